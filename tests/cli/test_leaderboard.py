"""``workbench leaderboard``: from an export to three answers, results.json and a page."""

from __future__ import annotations

import json
import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pandas
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import leaderboard_csv as export

from workbench.cli.app import invoke

ENTRY = "user0/Qwen2-7B-tune-0"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A table, the home in which it was analysed, and what was printed."""
    folder = tmp_path_factory.mktemp("leaderboard")
    table = export.write(folder / "table.csv", export.rows())
    with redirect_stdout(StringIO()) as out:
        code = invoke(["leaderboard", str(table), "--home", str(folder), "--entry", ENTRY])
    assert code == 0
    return table, folder, out.getvalue()


def _results(home: Path) -> tuple[dict[str, Any], Path]:
    (folder,) = (home / "runs").glob("leaderboard-*")
    return json.loads((folder / "results.json").read_text(encoding="utf-8")), folder


def test_the_three_answers_come_first_then_a_table_then_the_paths(
    done: tuple[Path, Path, str],
) -> None:
    _, home, out = done
    results, folder = _results(home)
    flat = " ".join(out.split())
    places = []
    for outcome, words in (
        ("final", "final score"),
        ("gain_base", "gain over base"),
        ("gain_instruct", "gain over instruct"),
    ):
        answer = results["answer"][outcome]
        said = f"On {words}: {answer['verdict']}. {answer['sentence']}"
        places.append(flat.index(" ".join(said.split())))
        assert answer["n"] == 48 and answer["bases"] == answer["families"] == 8
    assert places == sorted(places) and places[0] == 0
    assert flat.index("95% interval entries bases families") > places[-1]
    assert out.splitlines()[-2:] == [
        f"results: {folder / 'results.json'}",
        f"report: {folder / 'report.html'}",
    ]


def test_gains_are_those_a_reader_takes_from_the_table(done: tuple[Path, Path, str]) -> None:
    table, home, _ = done
    results, _ = _results(home)
    score = pandas.read_csv(table).set_index("fullname")["Average ⬆️"]
    for base, instruct, _ in export.BASES:
        (found,) = [one for one in results["bases"] if one["name"] == base]
        tunes = score[score.index.str.contains(f"/{base.split('/')[1]}-tune", regex=False)]
        assert found["n"] == len(tunes) == 6
        for outcome, against in (("gain_base", base), ("gain_instruct", instruct)):
            expected = float((tunes - score[against]).median())
            assert found[outcome]["median"]["value"] == pytest.approx(expected)


def test_the_page_points_into_the_results_beside_it(done: tuple[Path, Path, str]) -> None:
    results, folder = _results(done[1])
    page = (folder / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r'<data value="([^"]*)"[^>]* data-path="([^"]*)"', page)
    assert len(shown) > 800
    for value, pointer in shown:
        found: Any = results
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        assert found == json.loads(value), pointer
    for section in (
        "controls", "bases", "families", "best-of", "suspects", "frontier", "entry-0",
        "robustness", "trees", "seams", "method",
    ):  # fmt: skip
        assert f'<section id="{section}"' in page
    assert results["command"] == f"workbench leaderboard table.csv --seed 0 --entry {ENTRY}"
    assert str(done[0].parent) not in page
    assert results["entries"][0]["entry"] == ENTRY
    assert results["entries"][0]["parent"] == "Qwen/Qwen2-7B"


def test_the_same_call_again_finds_everything(
    done: tuple[Path, Path, str], capsys: Captured
) -> None:
    table, home, _ = done
    before, folder = _results(home)
    page = (folder / "report.html").read_bytes()
    arguments = ["leaderboard", str(table), "--home", str(home), "--entry", ENTRY, "--json"]
    assert invoke(arguments) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == before
    assert "everything was there already" in captured.err
    assert (folder / "report.html").read_bytes() == page
    assert not list(folder.glob(".*"))


def test_other_spellings_and_rows_said_twice_change_no_answer(
    done: tuple[Path, Path, str], tmp_path: Path, capsys: Captured
) -> None:
    table, home, _ = done
    frame = pandas.read_csv(table)
    again = pandas.concat([frame, frame.iloc[:7]])
    again.columns = [
        {"Average ⬆️": "average", "MATH Lvl 5": "math_lvl_5", "MMLU-PRO": "MMLU PRO",
         "Hub ❤️": "hub_likes", "Base Model": "base_model"}.get(name, name.lower())
        for name in again.columns
    ]  # fmt: skip
    given = tmp_path / "table.parquet"
    again.drop(columns="model").to_parquet(given)
    assert invoke(["leaderboard", str(given), "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected, _ = _results(home)
    assert found["seams"]["rows_read"] == 71
    assert found["seams"]["exact_duplicates_merged"] == 7
    assert found["answer"] == expected["answer"]
    assert (tmp_path / "out" / "report.html").is_file()


def test_its_folder_is_not_taken_for_a_run(done: tuple[Path, Path, str], capsys: Captured) -> None:
    _, home, _ = done
    _, folder = _results(home)
    page = (folder / "report.html").read_bytes()
    for run in (str(folder), folder.name):
        assert invoke(["report", run, "--home", str(home)]) == 2
        assert "is the folder of a leaderboard" in capsys.readouterr().err
    assert (folder / "report.html").read_bytes() == page
    assert invoke(["show", "--home", str(home)]) == 0
    assert folder.name not in capsys.readouterr().out


def test_a_table_of_one_side_has_no_answer_and_a_page_all_the_same(
    tmp_path: Path, capsys: Captured
) -> None:
    some = [row for row in export.rows() if row["Base Model"].startswith("Qwen")]
    table = export.write(tmp_path / "one.csv", some)
    assert invoke(["leaderboard", str(table), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert out.count("not shown") == 3 and "supported" not in out
    assert (tmp_path / "out" / "report.html").is_file()


def _fails(capsys: Captured, *arguments: object) -> str:
    assert invoke(["leaderboard", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "Traceback" not in told.err
    assert "fix: " in told.err
    return told.err


def test_missing_columns_are_all_named_with_what_looks_like_them(
    tmp_path: Path, capsys: Captured
) -> None:
    rows = [
        {("MUSRR" if k == "MUSR" else k): v for k, v in row.items() if k not in ("GPQA", "BBH")}
        for row in export.rows(1)
    ]
    told = _fails(capsys, export.write(tmp_path / "t.csv", rows), "--home", tmp_path)
    for name in ("GPQA", "BBH", "MUSR", "MUSRR"):
        assert name in told
    assert not (tmp_path / "runs").exists()


def test_a_truncated_parquet_file_is_told(tmp_path: Path, capsys: Captured) -> None:
    whole = tmp_path / "whole.parquet"
    pandas.DataFrame(export.rows(1)).to_parquet(whole)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-200])
    told = _fails(capsys, cut, "--home", tmp_path)
    assert "cut.parquet" in told


@pytest.mark.parametrize("content", [None, "", "T,Model\n", "\x00\x01\x02", "folder"])
def test_what_is_no_table_is_told(tmp_path: Path, capsys: Captured, content: str | None) -> None:
    file = tmp_path / "table.csv"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_text(content, encoding="utf-8")
    assert "table.csv" in _fails(capsys, file, "--home", tmp_path)


def test_an_unknown_entry_is_told_with_the_likely_one(tmp_path: Path, capsys: Captured) -> None:
    table = export.write(tmp_path / "t.csv", export.rows(1))
    told = _fails(capsys, table, "--home", tmp_path, "--entry", "user0/Qwen2-7B-tun-0",
                  "--entry", "nobody/nothing-at-all")  # fmt: skip
    assert "user0/Qwen2-7B-tune-0" in told and "nobody/nothing-at-all" in told
    assert "2 problems" in told


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(
    tmp_path: Path, capsys: Captured
) -> None:
    table = export.write(tmp_path / "t.csv", export.rows(1))
    told = _fails(capsys, table, "--out", table)
    assert "cannot write" in told and "--out" in told
