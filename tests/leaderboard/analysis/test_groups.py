"""Scores and gains by group, against pandas and the figures known of the October table."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.leaderboard.analysis.simulated import leaderboard
from workbench.leaderboard.analysis import groups
from workbench.leaderboard.analysis.outcomes import OUTCOMES, community


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return community(leaderboard(5)[0])


def test_medians_and_means_of_each_base(rows: pd.DataFrame) -> None:
    found = groups.by_base(rows, seed=0)
    assert sum(one["n"] for one in found) == len(rows)
    for one in found:
        own = rows[rows["root"] == one["name"]]
        for name, outcome in OUTCOMES.items():
            for statistic in ("median", "mean"):
                value = getattr(own[outcome.column], statistic)() if name != "headroom" else None
                if value is not None:
                    assert one[name][statistic]["value"] == pytest.approx(value)
                assert one[name][statistic]["n"] == len(own)
        few = own["submitter"].nunique() < 4
        assert (one["final"]["median"]["ci95"] is None) == few


def test_sides_add_up_and_size_classes_do_not_overlap(rows: pd.DataFrame) -> None:
    found = groups.by_side(rows, seed=0)
    whole = [one for one in found if one["size"] == "all sizes"]
    parts = [one for one in found if one["size"] != "all sizes"]
    assert sum(one["n"] for one in whole) == sum(one["n"] for one in parts) == len(rows)
    assert {groups.size_class(size) for size in (0.5, 3.9)} == {"under 4B"}
    assert groups.size_class(4.0) == "4 to 10B"
    assert groups.size_class(405.0) == "over 40B"
    shares = groups.shares(rows)
    assert sum(v for k, v in shares.items() if k.startswith("Chinese")) == pytest.approx(1)


def test_the_same_seed_gives_the_same_intervals(rows: pd.DataFrame) -> None:
    assert groups.by_family(rows, seed=1) == groups.by_family(rows, seed=1)
    assert groups.by_family(rows, seed=1) != groups.by_family(rows, seed=2)


def test_families_and_countries_count_what_they_hold(rows: pd.DataFrame) -> None:
    for one in groups.by_family(rows, seed=0):
        assert one["bases"] == rows.loc[rows["family"] == one["name"], "root"].nunique()
    countries = {one["name"]: one for one in groups.by_country(rows, seed=0)}
    assert countries["CN"]["families"] == rows.loc[rows["chinese"], "family"].nunique()


def test_the_makers_own_are_not_the_community() -> None:
    frame = leaderboard(0)[0]
    frame.loc[0, "maker_own"] = True
    frame.loc[1, "role"] = "instruct"
    frame.loc[2, "represents"] = False
    left = community(frame)
    assert len(left) == len(frame) - 3
    assert not set(frame.loc[[0, 1, 2], "model"]) & set(left["model"])
