"""Before/after tables: read with the names people give columns, and told what is wrong at once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest

from workbench.errors import UserError
from workbench.study.scores.frame import COLUMNS
from workbench.study.table import StudyTable, read_table

#: Base, group, family, its score before.
BASES = (
    ("qwen-a", 1, "qwen", 0.50), ("qwen-b", 1, "qwen", 0.55), ("yi-a", 1, "yi", 0.45),
    ("llama-a", 0, "llama", 0.30), ("llama-b", 0, "llama", 0.35), ("gemma-a", 0, "gemma", 0.40),
)  # fmt: skip


def rows(**more: Any) -> list[dict[str, Any]]:
    """A row a base, task and seed."""
    return [
        {"base": base, "group": group, "family": family, "task": task, "seed": seed, "n": 200,
         "before": before, "after": round(before + 0.1 + seed / 100, 3), **more}
        for task in ("sums", "words") for base, group, family, before in BASES for seed in (0, 1)
    ]  # fmt: skip


def write(path: Path, table: Iterable[Mapping[str, Any]]) -> Path:
    table = list(table)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path


def read(tmp_path: Path, table: Iterable[Mapping[str, Any]], **how: Any) -> StudyTable:
    return read_table(write(tmp_path / "t.csv", table), **how)


def told(tmp_path: Path, table: Iterable[Mapping[str, Any]], **how: Any) -> list[str]:
    """Everything that is wrong with it, each with file, line, cause and remedy."""
    with pytest.raises(UserError) as caught:
        read(tmp_path, table, **how)
    assert all(problem.fact and problem.where for problem in caught.value.problems)
    return [str(problem).replace(str(tmp_path) + "/", "") for problem in caught.value.problems]


def test_a_table_becomes_the_frame_that_studies_have(tmp_path: Path) -> None:
    table = read(tmp_path, rows())
    frame = table.frame
    assert list(frame) == list(COLUMNS)
    assert len(frame) == 24 and not frame["collapsed"].any()
    one = frame[(frame.base == "qwen-b") & (frame.task == "words") & (frame.seed == 1)].iloc[0]
    assert (one["family"], one["n"], one["before"], one["after"]) == ("qwen", 200, 0.55, 0.66)
    assert one["se_before"] == pytest.approx((0.55 * 0.45 / 200) ** 0.5)
    assert pandas.isna(one["se_gain"])
    assert one["asked"] and one["fixed_after"] == 0.66 and pandas.isna(one["compute"])
    assert set(frame["group"]) == {"Group 1", "group 0"}
    assert table.source["rows"] == table.source["rows_read"] == 24


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", rows())
    text = file.read_text(encoding="utf-8").replace(",", ";").replace("0.", "0,")
    file.write_text(text, encoding="utf-8")
    found = read_table(file)
    pandas.testing.assert_frame_equal(found.frame, read(tmp_path, rows()).frame)
    assert any("semicolons" in notice.fact for notice in found.notices)


def test_parquet_and_csv_give_the_same_frame(tmp_path: Path) -> None:
    whole = pandas.DataFrame(rows())
    whole.to_parquet(tmp_path / "t.parquet")
    other = read_table(tmp_path / "t.parquet")
    pandas.testing.assert_frame_equal(read(tmp_path, rows()).frame, other.frame)


def test_usual_names_are_found_and_said(tmp_path: Path) -> None:
    names = {"base": "Model", "group": "is_chinese", "family": "fam", "before": "Score Before",
             "after": "score_after", "n": "items"}  # fmt: skip
    table = read(tmp_path, [{names.get(k, k): v for k, v in row.items()} for row in rows(lc=3.5)])
    assert table.mapping["family"] == "fam" and table.mapping["compute"] == "lc"
    assert (table.asked, table.others) == ("Chinese", "others")
    said = " ".join(notice.fact for notice in table.notices)
    assert "'fam' as family" in said and "'Model' as base" in said and "'lc' as compute" in said


def test_options_map_whatever_a_column_is_called(tmp_path: Path) -> None:
    table = [{("x" if k == "after" else "y" if k == "family" else k): v for k, v in row.items()}
             for row in rows()]  # fmt: skip
    found = read(tmp_path, table, columns={"after": "x", "family": "y"})
    pandas.testing.assert_frame_equal(found.frame, read(tmp_path, rows()).frame)
    by_base = read(tmp_path, rows(), columns={"family": "base"}).frame
    assert (by_base["family"] == by_base["base"]).all()


@pytest.mark.parametrize(
    ("values", "asked", "names", "expected"),
    [
        ({1: "CN", 0: "US"}, None, (None, None), ("Chinese", "US")),
        ({1: "big", 0: "small"}, "big", (None, None), ("Big", "small")),
        ({1: "true", 0: "false"}, None, ("Ours", "theirs"), ("Ours", "theirs")),
        ({1: 0, 0: 1}, "0", ("Western", None), ("Western", "group 1")),
    ],
)
def test_who_is_asked_about(
    tmp_path: Path,
    values: dict[int, Any],
    asked: str | None,
    names: tuple[str | None, str | None],
    expected: tuple[str, str],
) -> None:
    table = [{**row, "group": values[row["group"]]} for row in rows()]
    found = read(tmp_path, table, asked=asked, names=names)
    assert (found.asked, found.others) == expected
    assert set(found.frame["base"][found.frame["asked"]]) == {"qwen-a", "qwen-b", "yi-a"}


def test_percent_is_recognised_and_said(tmp_path: Path) -> None:
    table = [{**row, "before": 100 * row["before"], "after": f"{100 * row['after']}%"}
             for row in rows()]  # fmt: skip
    found = read(tmp_path, table)
    expected = read(tmp_path, rows()).frame
    pandas.testing.assert_frame_equal(found.frame, expected)
    assert found.source["unit"] == "percent"
    assert any("read as percent" in notice.fact for notice in found.notices)


def test_compute_that_is_no_logarithm_is_made_one(tmp_path: Path) -> None:
    table = [{**row, "compute": 7 * 1000} for row in rows()]
    found = read(tmp_path, table)
    assert found.frame["compute"].iloc[0] == pytest.approx(3.845, abs=1e-3)
    assert any("logarithm" in notice.fact for notice in found.notices)


def test_rows_are_selected_by_any_column(tmp_path: Path) -> None:
    table = [*rows(run="old"), *[{**row, "after": 0.9} for row in rows(run="new")]]
    found = read(tmp_path, table, where=["run=new", "task=sums"])
    assert len(found.frame) == 12 and set(found.frame["after"]) == {0.9}
    both = read(tmp_path, table, where=["run=old", "task=sums", "task=words"])
    assert len(both.frame) == 24
    (said,) = told(tmp_path, table, where=["run=newer"])
    assert "t.csv:1: --where run=newer" in said and "did you mean new?" in said
    assert "no column 'runn'" in told(tmp_path, table, where=["runn=old"])[0]
    assert "no row is left" in told(tmp_path, rows(), where=["base=yi-a", "family=qwen"])[0]


def test_rows_that_stand_there_twice_are_told_with_what_tells_them_apart(tmp_path: Path) -> None:
    table = [*rows(run="old"), *rows(run="new")]
    said = told(tmp_path, table, where=["task=sums"])
    assert "t.csv:26: qwen-a · sums · 0 stands in lines 2, 26" in said[0]
    assert "they differ in 'run': choose with --where run=old" in said[0]
    assert "7 more such pairs" in said[-1]
    assert "delete all but one" in told(tmp_path, [*rows(), rows()[0]])[0]


def test_text_among_figures_is_told_with_line_and_value_and_all_else_with_it(
    tmp_path: Path,
) -> None:
    table = rows()
    table[2]["after"], table[5]["after"], table[7]["n"] = "about 0.6", "0,66", 12.5
    table[9]["before"], table[11]["family"] = -0.2, ""
    said = told(tmp_path, table)
    assert "t.csv:4: after is 'about 0.6'" in said[0]
    assert "t.csv:7: after is '0,66'" in said[1] and "fix: write 0.66" in said[1]
    assert "t.csv:9: n is 12.5" in said[2]
    assert "t.csv:11: before is -0.2" in said[3]
    assert "t.csv:13: no family in line 13 (gemma-a)" in said[4] and len(said) == 5
    many = told(tmp_path, [{**row, "after": "x"} for row in rows()])
    assert len(many) == 6 and "19 more lines" in many[-1]


def test_missing_columns_are_all_told_with_the_likely_one(tmp_path: Path) -> None:
    table = [{{"before": "befor", "family": "clan"}.get(k, k): v for k, v in row.items()}
             for row in rows()]  # fmt: skip
    said = told(tmp_path, table)
    assert len(said) == 2
    assert "no column 'family'" in said[0] and "--family base" in said[0]
    assert "the file's columns: base, group, clan" in said[0]
    assert "no column 'before'" in said[1] and "--before befor" in said[1]
    (wrong,) = told(tmp_path, rows(), columns={"family": "famly"})
    assert "no column 'famly', which --family names" in wrong and "'family'" in wrong


def test_bases_that_contradict_themselves_are_told(tmp_path: Path) -> None:
    table = rows(compute=3.0)
    table[12]["group"], table[13]["family"], table[14]["compute"] = 0, "yi", 4.0
    said = told(tmp_path, table)
    assert [one.split(": ")[1].split(" has ")[0] for one in said] == ["qwen-a"] * 2 + ["qwen-b"]
    assert "two values of group: '1' in line 2, '0' in line 14" in said[0]


def test_one_group_is_refused_and_an_unsaid_question_too(tmp_path: Path) -> None:
    (said,) = told(tmp_path, [{**row, "group": 1} for row in rows()])
    assert "one group only: every 'group' is '1'" in said
    table = [{**row, "group": {1: "big", 0: "small"}[row["group"]]} for row in rows()]
    (said,) = told(tmp_path, table)
    assert "which group is asked about?" in said and "--asked big" in said
    (said,) = told(tmp_path, table, asked="bgi")
    assert "did you mean big?" in said


def test_scores_in_no_one_unit_are_asked_about(tmp_path: Path) -> None:
    table = rows()
    table[3]["after"] = 62
    (said,) = told(tmp_path, table)
    assert "t.csv:5: a score of 62, where most are at most 1" in said and "--unit" in said
    assert "after is 62" in told(tmp_path, table, unit="share")[0]
    percent = [{**row, "before": 50, "after": 60 + 50 * (row["base"] == "yi-a")} for row in rows()]
    assert "after is 110" in told(tmp_path, percent)[0]


def test_rows_without_a_score_are_left_out_and_said(tmp_path: Path) -> None:
    table = rows()
    table[4]["after"] = ""
    found = read(tmp_path, table)
    assert len(found.frame) == 23 and found.source["rows_left_out"] == 1
    assert any("1 row is left out" in notice.fact for notice in found.notices)
    for row in table:
        row["after"] = "" if row["group"] else row["after"]
    assert "only group 0 has a score" in told(tmp_path, table)[0]


@pytest.mark.parametrize("content", [None, "", "base,group\n", "{}", "\x00\x01", "<html>"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"t\.csv"):
        read_table(file)


def test_names_of_runs_are_numbered(tmp_path: Path) -> None:
    table = [{**row, "seed": f"run {'ab'[row['seed']]}"} for row in rows()]
    assert set(read(tmp_path, table).frame["seed"]) == {0, 1}
