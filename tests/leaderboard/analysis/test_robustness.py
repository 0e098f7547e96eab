"""Each change leaves the rows that it says, and the answers follow."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from tests.leaderboard.analysis.simulated import leaderboard
from workbench.leaderboard.analysis import changes, robustness
from workbench.leaderboard.analysis.outcomes import QUESTION, community


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    frame = leaderboard(21, start=6, gain=5)[0]
    frame.loc[3, "flagged"] = True
    frame.loc[[4, 5], "merged"] = True
    frame.loc[[6, 7, 8], "placed_by"] = "published"
    frame.loc[9, "parent_instruct"] = "maker/instruct"
    frame.loc[10, "available"] = False
    frame.loc[[11, 12], "direct"] = False
    return community(frame)


def change(rows: pd.DataFrame, name: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    (found,) = [c for n, _, c in changes.changes(rows, {rows["model"][20]}) if n == name]
    return found


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("without flagged rows", {3}),
        ("without one-benchmark risers", {20}),
        ("without merges", {4, 5}),
        ("only placed by declaration", {6, 7, 8}),
        ("only what declares its root itself", {11, 12}),
        ("not made from the maker's instruct model", {9}),
        ("only weights still on the hub", {10}),
    ],
)
def test_the_rows_that_go(rows: pd.DataFrame, name: str, gone: set[int]) -> None:
    assert set(rows.index) - set(change(rows, name)(rows).index) == gone


def test_the_top_is_cut_by_final_score(rows: pd.DataFrame) -> None:
    left = change(rows, "without the top 5%")(rows)
    cut = rows.drop(left.index)
    assert len(cut) == pytest.approx(0.05 * len(rows), abs=1)
    assert cut["average"].min() > left["average"].max()


def test_one_row_a_submitter_and_base_is_the_middle_one(rows: pd.DataFrame) -> None:
    left = change(rows, "one row a submitter and base")(rows)
    groups = rows.groupby(["submitter", "root"])
    assert len(left) == groups.ngroups
    for (submitter, root), group in groups:
        kept = left[(left["submitter"] == submitter) & (left["root"] == root)]["average"].item()
        assert kept == group["average"].quantile(0.5, interpolation="lower")


def test_the_largest_family_of_each_side_goes(rows: pd.DataFrame) -> None:
    for side, chinese in (("Chinese", True), ("other", False)):
        largest = rows[rows["chinese"] == chinese]["family"].value_counts().index[0]
        left = change(rows, f"without the largest {side} family")(rows)
        assert set(rows["family"]) - set(left["family"]) == {largest}


def test_answers_and_sentences(rows: pd.DataFrame) -> None:
    found = robustness.robustness(rows, suspects=set(), seed=0, wider={"twice": rows})
    assert found[0]["name"] == "as answered"
    assert found[0]["answers"]["final"]["verdict"] == "supported"
    for one in found:
        assert set(one["answers"]) == set(QUESTION)
        assert one["n"] == len(rows) - one["removed"] + one["added"]
    same = next(one for one in found if one["name"] == "twice")
    assert same["answers"]["final"] == found[0]["answers"]["final"]
    left_out = {"lab": robustness.by_left_out(rows, "lab")}
    ends = left_out["lab"]["final"]
    assert ends["times"] == rows["lab"].nunique()
    assert ends["lowest"]["value"] <= found[0]["answers"]["final"]["value"]
    sentences = robustness.said(found, left_out)
    assert sentences[0].startswith("On final score the difference of +")


def test_what_cannot_be_fitted_says_so() -> None:
    rows = community(leaderboard(21, families=(2, 2))[0])
    found = robustness.robustness(rows, suspects=set(), seed=0)
    without = next(one for one in found if one["name"] == "without the largest other family")
    assert without["answers"]["final"]["verdict"] is None
    assert "too few" in without["answers"]["final"]["why"]
