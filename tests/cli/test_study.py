"""``workbench study --table``: from a before/after table to answers, results.json and a page."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))

import study_rows

from workbench.cli.app import invoke

Captured = pytest.CaptureFixture[str]
#: Of the shared table's README: the Chinese coefficient at equal compute before, after and in gain,
#: each with its classic standard error, to the printed digits.
PUBLISHED = {
    "mmlu": ((0.096, 0.024), (0.007, 0.013), (-0.089, 0.024)),
    "gsm8k": ((0.137, 0.042), (0.001, 0.036), (-0.136, 0.047)),
    "arc_challenge_mc": ((0.149, 0.040), (0.008, 0.027), None),
    "hellaswag_mc": ((0.107, 0.041), (-0.015, 0.032), None),
    "winogrande_mc": ((0.023, 0.015), (0.017, 0.016), None),
    "truthfulqa_mc2_mc": ((0.058, 0.028), (-0.023, 0.029), None),
}
FIGURES = ("before_at_compute", "final_at_compute", "gain_at_compute")


def write(path: Path, **how: Any) -> Path:
    """A made-up study as a table with the columns that the issue names."""
    frame = study_rows.frame(**how)
    frame["group"] = frame["asked"].astype(int)
    columns = ["base", "group", "family", "task", "seed", "n", "before", "after"]
    if frame["compute"].notna().any():
        columns.append("compute")
    frame[columns].to_csv(path, index=False)
    return path


def run(*arguments: object) -> tuple[dict[str, Any], str]:
    """The results of a call with ``--out``, and what it printed."""
    with redirect_stdout(StringIO()) as out:
        assert invoke(["study", *map(str, arguments)]) == 0
    folder = Path(str(arguments[arguments.index("--out") + 1]))
    assert (folder / "report.html").stat().st_size > 10_000
    return json.loads((folder / "results.json").read_text(encoding="utf-8")), out.getvalue()


@pytest.fixture(scope="module")
def shared(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("study")
    table = shared_data / "training_on_the_test_task.csv"
    results, _ = run("--table", table, "--out", out)
    return results


@pytest.mark.parametrize("task", PUBLISHED)
def test_the_published_figures_are_given_to_their_last_digit(
    shared: dict[str, Any], task: str
) -> None:
    found = shared["study"]["published"][task]
    for name, expected in zip(FIGURES, PUBLISHED[task], strict=True):
        if expected is not None:
            printed = round(found[name]["value"], 3), round(found[name]["se"], 3)
            assert printed == expected, name
    assert found["final"]["n"] == {"arc_challenge_mc": 52, "hellaswag_mc": 52}.get(task, 53)


def test_the_shared_table_counts_families_and_shows_lords_paradox(shared: dict[str, Any]) -> None:
    study = shared["study"]
    assert study["source"]["mapping"]["family"] == "fam"
    assert study["source"]["mapping"]["compute"] == "lc"
    assert study["groups"]["sizes"] == {
        "Chinese": {"families": 8, "bases": 17}, "others": {"families": 12, "bases": 36},
    }  # fmt: skip
    found = {one["name"]: one for one in study["estimands"]}
    assert found["final"]["value"] > 0 > found["gain"]["value"]
    assert study["verdict"]["gain"] == "lower" and study["paradox"]["shown"]
    # Bases of one family are not independent: the classic error is too small.
    for task in ("mmlu", "gsm8k", "hellaswag_mc"):
        figure = study["published"][task]["before_at_compute"]
        assert figure["se_family"] > figure["se"]
    low, high = found["gain_at_compute"]["ci95"]
    assert high - low > 4 * 0.024
    # 11 of 53 bases have minerva_math: it does not take the others out of the comparison of tasks.
    assert set(study["interaction"]["tasks"]) == set(PUBLISHED)
    assert study["hypotheses"] == [] and study["registration"] is None


def test_one_task_of_the_shared_table(shared_data: Path, tmp_path: Path) -> None:
    table = shared_data / "training_on_the_test_task.csv"
    results, _ = run("--table", table, "--where", "task=mmlu", "--out", tmp_path)
    assert list(results["study"]["published"]) == ["mmlu"]
    assert results["study"]["source"]["rows"] == 53
    assert "--where task=mmlu" in results["command"] and str(shared_data) not in results["command"]


def test_a_planted_difference_is_found_and_told_in_words(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", start=(0.5, 0.3), gain=(0.1, 0.25))
    results, out = run("--table", table, "--asked-name", "Ours", "--out", tmp_path / "out")
    flat = " ".join(out.split())
    study = results["study"]
    assert study["verdict"]["gain"] == "lower"
    assert "Ours bases" in study["answer"][0] and "gain less" in study["answer"][0]
    for sentence in study["answer"]:
        assert " ".join(sentence.split()) in flat
    assert flat.index("Ours less group 0") < flat.index("What would change the answer")
    assert flat.index("at equal compute, least squares") < flat.index("results: ")
    assert out.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"


def test_no_difference_is_a_finding(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", families=(10, 10), spread=0.01)
    results, _ = run("--table", table, "--out", tmp_path / "out", "--margin", 0.04)
    assert results["study"]["verdict"]["gain"] == "equivalent"
    assert results["study"]["estimands"][0]["margin"] == 0.04


def test_the_same_call_again_finds_everything(tmp_path: Path, capsys: Captured) -> None:
    table = write(tmp_path / "t.csv")
    arguments = ["study", "--table", str(table), "--home", str(tmp_path), "--json"]
    assert invoke(arguments) == 0
    first = capsys.readouterr()
    assert invoke(arguments) == 0
    again = capsys.readouterr()
    assert json.loads(again.out) == json.loads(first.out)
    assert "everything was there already" in again.err
    assert invoke([*arguments, "--margin", "0.1"]) == 0
    assert len(list((tmp_path / "runs").glob("study-*"))) == 2
    folder = next((tmp_path / "runs").glob("study-*"))
    assert invoke(["report", folder.name, "--home", str(tmp_path)]) == 2
    assert "is the folder of a table's study" in capsys.readouterr().err


def test_one_family_a_group_is_no_error_and_cannot_be_told(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", families=(1, 1), bases=4, gain=(0.4, 0.1))
    results, out = run("--table", table, "--out", tmp_path / "out")
    study = results["study"]
    assert set(study["verdict"].values()) == {"cannot tell"}
    assert not study["power"]["can_answer"]
    assert "cannot be told: one of the groups has one family" in study["answer"][0]
    assert "(differences of means, in points: final score +" in study["answer"][0]
    assert "This design cannot answer the question" in " ".join(out.split())


def test_a_table_without_compute_says_so(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", compute=False)
    results, out = run("--table", table, "--out", tmp_path / "out")
    found = {one["name"]: one for one in results["study"]["estimands"]}
    assert found["gain_at_compute"]["value"] is None
    assert "compute is not known" in found["gain_at_compute"]["missing"]
    assert found["gain_at_start"]["main"]
    assert "at equal compute, least squares" not in " ".join(out.split())


def _fails(capsys: Captured, *arguments: object) -> str:
    assert invoke(["study", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "Traceback" not in told.err and "fix: " in told.err
    return " ".join(told.err.split())


def test_all_that_is_wrong_with_a_table_is_told_at_once(tmp_path: Path, capsys: Captured) -> None:
    file = write(tmp_path / "t.csv")
    rows = list(csv.reader(file.open(encoding="utf-8")))
    rows[3][7], rows[5][6], rows[8][2] = "high", "1.4", ""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    told = _fails(capsys, "--table", file, "--home", tmp_path)
    for place, fact in ((4, "after is 'high'"), (6, "a score of 1.4"), (9, "no family in line 9")):
        assert f"t.csv:{place}: {fact}" in told
    assert not (tmp_path / "runs").exists()


def test_what_is_not_there_is_told(tmp_path: Path, capsys: Captured) -> None:
    file = write(tmp_path / "t.csv")
    assert "workbench run RECIPE" in _fails(capsys, "--home", tmp_path)
    assert "none.csv" in _fails(capsys, "--table", tmp_path / "none.csv")
    assert "no column 'fam'" in _fails(capsys, "--table", file, "--family", "fam")
    assert "--asked 2" in _fails(capsys, "--table", file, "--asked", 2)
    if importlib.util.find_spec("bambi") is None:
        assert "bambi is not installed" in _fails(capsys, "--table", file, "--bayesian")
    assert "cannot write to" in _fails(capsys, "--table", file, "--out", file / "x")
