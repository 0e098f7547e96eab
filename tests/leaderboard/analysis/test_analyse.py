"""The analysis of the October table as a whole, and of tables that hold little."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UserError
from workbench.leaderboard.analysis import analyse
from workbench.leaderboard.table import read_table

OCTOBER = "open_llm_leaderboard_v2_2024-10.csv"


@pytest.fixture(scope="module")
def found(shared_data: Path) -> dict[str, Any]:
    return analyse(read_table(shared_data / OCTOBER), seed=0)


def part(shared_data: Path, folder: Path, rows: slice) -> Path:
    """A file with the table's header and some of its rows."""
    lines = (shared_data / OCTOBER).read_text(encoding="utf-8").splitlines(keepends=True)
    path = folder / "part.csv"
    path.write_text("".join([lines[0], *lines[1:][rows]]), encoding="utf-8")
    return path


def test_it_is_json_and_small(found: dict[str, Any]) -> None:
    text = json.dumps(found, allow_nan=False)
    assert len(text) < 1_000_000
    assert json.loads(text) == found


def test_the_three_answers_and_what_they_rest_on(found: dict[str, Any]) -> None:
    for name, answer in found["answer"].items():
        low, high = answer["ci95"]
        assert low < answer["value"] < high
        last = [step for step in found["mixed"][name] if "base score" not in step["controls"]][-1]
        assert answer["value"] == last["value"]
        assert answer["n"] == last["n"] > 200
        assert answer["families_chinese"] >= 4
        assert answer["verdict"] in ("supported", "contradicted", "not shown")
    # Means alone point opposite ways on the same table: up in the end, down in the gain.
    assert found["answer"]["final"]["before_controls"]["value"] > 0
    assert found["answer"]["gain_base"]["before_controls"]["value"] < 0


def test_the_parts_agree_with_each_other(found: dict[str, Any]) -> None:
    entries = found["conditions"]["community_entries"]
    for part_ in ("bases", "families", "countries"):
        assert sum(one["n"] for one in found[part_]) == entries
    assert found["robustness"][0]["answers"]["final"]["value"] == found["answer"]["final"]["value"]
    flagged = {one["entry"] for one in found["suspects"]["flagged"]}
    assert "MaziyarPanahi/calme-2.4-rys-78b" in flagged
    names = {base["name"] for base in found["bases"]}
    assert {one["name"] for one in found["selection"]["bases"]["final"]} <= names
    assert found["conditions"]["not_fitted"] == {}
    assert len(found["trees"]) > 10


def test_entries_against_their_parents(found: dict[str, Any]) -> None:
    pairs = {one["entry"]: one for one in found["entries"]}
    rys = pairs["dnhkng/RYS-XLarge"]
    assert rys["parent"] == "MaziyarPanahi/calme-2.1-qwen2-72b"
    assert rys["average"]["delta"] == pytest.approx(44.75 - 43.61, abs=0.02)
    assert pairs["MaziyarPanahi/calme-2.4-rys-78b"]["parent"] == "dnhkng/RYS-XLarge"


def test_an_entry_that_is_not_there_is_told_at_once(shared_data: Path, tmp_path: Path) -> None:
    table = read_table(part(shared_data, tmp_path, slice(60)))
    with pytest.raises(UserError) as caught:
        analyse(table, entries=["dnhkng/RYS-XLarg", "abacusai/Dracarys-72B-Instruct"])
    first, second = caught.value.problems
    assert "dnhkng/RYS-XLarg" in first.fact
    assert "dnhkng/RYS-XLarge" in first.remedy
    assert "abacusai/Dracarys-72B-Instruct" in second.fact


@pytest.mark.parametrize("rows", [slice(1), slice(-40, None), slice(25)])
def test_tables_that_hold_little_say_so(shared_data: Path, tmp_path: Path, rows: slice) -> None:
    found = analyse(read_table(part(shared_data, tmp_path, rows)), seed=0)
    json.dumps(found, allow_nan=False)
    assert all(answer["verdict"] == "not shown" for answer in found["answer"].values())
    assert set(found["conditions"]["not_fitted"]) >= {"gain_base"}
    assert "too little" in found["answer"]["gain_base"]["sentence"]


def test_the_same_seed_the_same_results(shared_data: Path, tmp_path: Path) -> None:
    path = part(shared_data, tmp_path, slice(120))
    first, again = (analyse(read_table(path), seed=3) for _ in range(2))
    assert json.dumps(first) == json.dumps(again)
