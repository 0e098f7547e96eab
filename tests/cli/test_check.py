"""``workbench check``: the plan, the estimate, all mistakes; quick and without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.app import invoke
from workbench.recipe.load import load_recipe
from workbench.recipe.plan import make_plan

RECIPE = """\
name: tried
bases:
  tiny: {base_model: base}
outputs:
  tuned:
    finetune: &lora
      base_model: tiny
      datasets: [{path: data.jsonl, type: prompt_completion}]
      sequence_len: 64
  doubled:
    relayer: {model: tuned, blocks: [[3, 6]]}
  healed:
    finetune: {<<: *lora, base_model: doubled, train_layers: seam}
  blended:
    merge:
      merge_method: linear
      models:
        - {model: tuned, parameters: {weight: 0.5}}
        - {model: tiny, parameters: {weight: 0.5}}
evaluate: {suite: quick}
"""


BOMB = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 8)) for i in range(1, 25)
)


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_folder: Callable[..., Path]
) -> Path:
    """A working folder with a recipe, its data and a base."""
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    row = '{"prompt": "1+1=", "completion": "2"}\n'
    (tmp_path / "data.jsonl").write_text(row * 9, encoding="utf-8")
    (tmp_path / "base").symlink_to(tiny_folder("qwen2"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    return tmp_path


def test_the_plan_as_a_tree_with_its_needs(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["check", "recipe.yaml"]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    plan = make_plan(load_recipe(Path("recipe.yaml")))
    assert lines[0] == f"tried-{plan.key}"
    assert lines[1] == "tiny  base, 6 layers"
    assert lines[2] == "└── tuned  finetune, 6 layers  to make"
    assert lines[3] == "    ├── doubled  relayer, 9 layers  to make"
    assert lines[4] == "    │   └── healed  finetune, 9 layers  to make"
    assert lines[5] == "    └── blended  merge with tiny, 6 layers  to make"
    assert "4 outputs, 0 made, 4 to make" in told
    for word in ("memory", "disk", "time", "no weight is copied", "GFLOP/s"):
        assert word in told
    assert not (bench / "adapters").exists() and not (bench / "runs").exists()


def test_what_is_there_is_said_wherever_home_is(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make_plan(load_recipe(Path("recipe.yaml"))).nodes["tuned"]
    folder = bench / "elsewhere" / "adapters" / f"tuned-{node.key}"
    folder.mkdir(parents=True)
    (folder / "output.json").write_text("{}", encoding="utf-8")
    assert invoke(["check", "recipe.yaml", "--home", "elsewhere"]) == 0
    told = capsys.readouterr().out
    assert f"made: adapters/tuned-{node.key}" in told and "1 made, 3 to make" in told
    monkeypatch.setenv("WORKBENCH_HOME", "elsewhere")
    assert invoke(["check", "recipe.yaml", "--set", "outputs.healed.finetune.lora_r=3"]) == 0
    assert "1 made, 3 to make" in capsys.readouterr().out
    assert invoke(["check", "recipe.yaml", "--set", "outputs.tuned.finetune.lora_r=3"]) == 0
    assert "0 made, 4 to make" in capsys.readouterr().out


def test_mistakes_exit_with_2_and_their_places(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = RECIPE.replace("sequence_len: 64", "sequence_length: 64\n      lora_rr: 8")
    Path("recipe.yaml").write_text(text.replace("data.jsonl", "dat.jsonl"), encoding="utf-8")
    assert invoke(["check", "recipe.yaml", "--set", "outputs.doubled.relayer.blocks=[[3, 7]]"]) == 2
    told = capsys.readouterr()
    assert "recipe.yaml:10:7: unknown key 'lora_rr'" in told.err
    assert "recipe.yaml:8:25: no data file 'dat.jsonl'" in told.err
    assert "--set outputs.doubled.relayer.blocks=[[3, 7]]: block [3, 7] is out of" in told.err
    assert told.out == ""


def test_an_empty_completion_is_named_with_its_line(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("data.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "1+1=", "completion": ""}\n')
    assert invoke(["check", "recipe.yaml"]) == 2
    assert "data.jsonl:10: " in capsys.readouterr().err


def test_notices_and_warnings_do_not_stop_it(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.recipe.machine import Machine

    small = Machine(1 << 20, 1 << 30, 1, None, 0, 0)
    monkeypatch.setattr("workbench.recipe.machine.this_machine", lambda: small)
    Path("recipe.yaml").write_text(RECIPE.replace("sequence_len", "cutoff_len"), encoding="utf-8")
    assert invoke(["check", "recipe.yaml"]) == 0
    told = capsys.readouterr().err
    assert "notice: recipe.yaml:9:7: cutoff_len is read as sequence_len" in told
    assert "warning: tuned needs about" in told
    monkeypatch.setattr("workbench.recipe.room.disk_free", lambda folder: 10)
    assert invoke(["check", "recipe.yaml"]) == 2
    assert "10 B free" in capsys.readouterr().err


def test_it_answers_within_two_seconds_without_torch(
    bench: Path, without_heavy: Callable[[list[str]], float]
) -> None:
    assert min(without_heavy(["check", "recipe.yaml"]) for _ in range(2)) < 2


def test_a_recipe_of_ten_thousand_lines(bench: Path, timed: Callable[..., Any]) -> None:
    parts = ["name: long\nbases:\n  tiny: {base_model: base}\noutputs:\n"]
    for i in range(1000):
        parent = f"o{i - 1}" if i % 50 else "tiny"
        parts.append(
            f"  o{i}:\n    # number {i}\n    finetune:\n      base_model: {parent}\n"
            f"      lora_r: {i + 1}\n      datasets:\n        - path: data.jsonl\n"
            "          type: prompt_completion\n      learning_rate: 2.0e-4\n      max_steps: 9\n"
        )
    text = "".join(parts)
    assert text.count("\n") > 10_000
    Path("recipe.yaml").write_text(text, encoding="utf-8")
    done, seconds = timed(["-m", "workbench", "check", "recipe.yaml"])
    assert done.returncode == 0, done.stderr
    assert "1000 outputs, 0 made" in done.stdout and "more" in done.stdout
    assert seconds < 6


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (os.urandom(5000), "error"),
        (BOMB, "values"),
        (b"[" * 100_000, "nested"),
        (b"", "empty"),
        (b"a: !!python/object/apply:os.system ['touch pwned']", "refused"),
    ],
    ids=["noise", "bomb", "deep", "empty", "tag"],
)
def test_hostile_files_exit_with_2(bench: Path, raw: bytes, words: str) -> None:
    Path("hostile.yaml").write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "check", "hostile.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not Path("pwned").exists()
