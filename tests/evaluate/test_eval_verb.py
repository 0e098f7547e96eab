"""``workbench eval``: a table or JSON, files in ``--out``, and what a wrong word gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli.app import invoke


def test_scores_of_a_folder(
    tiny_folder: Callable[..., Path],
    small_suite: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import pandas as pd

    folder, out = str(tiny_folder("qwen2")), tmp_path / "out"
    options = ["--suite", str(small_suite), "--limit", "5", "--home", str(tmp_path)]
    assert invoke(["eval", folder, *options, "--json", "--out", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((out / "results.json").read_text()) == printed
    (model,) = printed["outputs"]
    assert set(model["scores"]) == {"adds", "picks"}
    assert model["scores"]["picks"]["n"] == 5
    samples = pd.read_parquet(out / "samples.parquet")
    assert len(samples) == 10
    mean = samples[samples.task == "picks"].score.mean()
    assert mean == model["scores"]["picks"]["value"]

    assert invoke(["eval", folder, *options]) == 0
    table = capsys.readouterr().out
    assert f"{mean:.4f}" in table
    assert printed["key"] in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no output 'nowhere'"),
        (["some/model", "--suite", "quik"], "did you mean quick?"),
        (["some/model", "--dtype", "float31"], "'float32', 'bfloat16' or 'float16'"),
        (["some/model", "--load-in-4bit", "--load-in-8bit"], "exclude each other"),
    ],
)
def test_wrong_words(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["eval", *arguments, "--home", str(tmp_path)]) == 2
    heard = capsys.readouterr()
    assert words in heard.err
    assert "Traceback" not in heard.err
