"""A training killed at any moment goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from workbench.finetune.checkpoints import is_whole, last_whole, mark_whole
from workbench.finetune.train import train
from workbench.progress import Silent

#: Dies by SIGKILL after the files of checkpoint 4 are written and before its marker is.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from transformers import AutoModelForCausalLM, AutoTokenizer
from workbench.finetune import callbacks
from workbench.finetune.config import FinetuneConfig
from workbench.finetune.train import train
from workbench.progress import Silent

config, base, folder = json.loads(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
mark = callbacks.mark_whole
callbacks.mark_whole = lambda folder: (
    os.kill(os.getpid(), signal.SIGKILL) if folder.name == "checkpoint-4" else mark(folder)
)
train(FinetuneConfig.model_validate(config), AutoModelForCausalLM.from_pretrained(base).eval(),
      AutoTokenizer.from_pretrained(base), seed=3, path=None, out=folder / "out",
      work=folder / "work", progress=Silent())
"""


def test_kill_9_and_go_on_is_bit_equal(
    base: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    from workbench.bases.share import share

    model, tokenizer = base("qwen2")
    # Dropout needs the random state back; three steps a log do not fit two steps a checkpoint.
    config = settings(
        write_rows(sums), lora_dropout=0.2, max_steps=12, save_steps=2, logging_steps=3
    )

    def run(name: str) -> dict[str, Any]:
        return train(
            config,
            share(model),
            tokenizer,
            seed=3,
            path=None,
            out=tmp_path / name / "out",
            work=tmp_path / name / "work",
            progress=Silent(),
        )

    whole = run("whole")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED,
            config.model_dump_json(),
            model.config._name_or_path,
            str(tmp_path / "killed"),
        ],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()
    work = tmp_path / "killed" / "work"
    assert not is_whole(work / "checkpoint-4")
    assert is_whole(work / "checkpoint-2")
    assert not (tmp_path / "killed" / "out" / "adapter_model.safetensors").exists()

    resumed = run("killed")
    names = ["adapter_model.safetensors", "adapter_config.json"]
    for name in names:
        one, other = (tmp_path / run / "out" / name for run in ("whole", "killed"))
        assert one.read_bytes() == other.read_bytes(), name
    assert resumed == whole
    assert not list(work.rglob("training_args.bin"))

    # Killed after the last step: nothing is trained again, the adapter is the same.
    shutil.rmtree(tmp_path / "killed" / "out")
    assert run("killed") == whole
    # Another job in the same work folder starts afresh.
    other = config.model_copy(update={"learning_rate": 1e-3})
    config = other
    assert run("killed")["curve"] != whole["curve"]


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for step, text in ((5, "five"), (10, "ten"), (15, "fifteen")):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_text(text)
    mark_whole(tmp_path / "checkpoint-5")
    mark_whole(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / "adapter_model.safetensors").write_text("te")
    assert last_whole(tmp_path) == tmp_path / "checkpoint-5"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-5"]
    marker = json.loads((tmp_path / "checkpoint-5" / "whole.json").read_text())
    assert list(marker) == ["adapter_model.safetensors"]
