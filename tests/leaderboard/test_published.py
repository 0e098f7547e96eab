"""Reading published entries: sources, snapshots, and bad files."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from workbench.errors import UserError
from workbench.leaderboard.published import COLUMNS, SCORES, TABLE, find, read

ROOT = Path(__file__).resolve().parents[2]


def test_shipped_entries_have_sources_and_averages_of_their_six() -> None:
    rows = read(ROOT / TABLE)
    assert len({(row.entry, row.snapshot) for row in rows}) == len(rows)
    for row in rows:
        assert row.source.startswith("https://")
        if set(row.scores) == set(SCORES):
            assert row.average == pytest.approx(fmean(row.scores.values()), abs=0.0071)


def test_both_figures_of_qwen2_72b_instruct_are_kept() -> None:
    rows = read(ROOT / TABLE)
    name = "Qwen/Qwen2-72B-Instruct"
    assert [find(rows, name, s).average for s in ("2024-06", "2024-10")] == [43.02, 42.49]


def test_what_is_not_there_is_named() -> None:
    rows = read(ROOT / TABLE)
    with pytest.raises(UserError, match="2024-10"):
        find(rows, "dnhkng/RYS-XLarge", "2023-01")
    with pytest.raises(UserError, match="RYS-XLarge"):
        find(rows, "someone/model", "2024-10")


def test_bad_files_are_the_users(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read(tmp_path / "none.csv")
    (tmp_path / "columns.csv").write_text("entry,snapshot\na,b\n")
    with pytest.raises(UserError, match="no column source"):
        read(tmp_path / "columns.csv")
    bad = [",".join(COLUMNS), "a,s,u,,,,x,,,,,,", "a,s,u,,,,50,,,,,,", "b,s,u,,,maybe,1,,,,,,"]
    (tmp_path / "cells.csv").write_text("\n".join(bad))
    with pytest.raises(UserError) as caught:
        read(tmp_path / "cells.csv")
    assert [p.where.line for p in caught.value.problems if p.where] == [2, 4]
