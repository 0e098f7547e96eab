"""The country coefficient control by control, on leaderboards where it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.leaderboard.analysis.simulated import leaderboard
from workbench.leaderboard.analysis import mixed
from workbench.leaderboard.analysis.outcomes import community, of_outcome


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return community(leaderboard(11, start=3, gain=4)[0])


def test_every_step_has_the_same_rows_and_one_control_more(rows: pd.DataFrame) -> None:
    rows = rows.copy()
    rows.loc[[0, 5], "root_parameters_b"] = np.nan
    steps = mixed.sequence(rows, "gain_base", seed=0)
    assert [step["controls"] for step in steps] == [
        [],
        [],
        ["log size"],
        ["log size", "release date"],
        ["log size", "release date", "method"],
        ["log size", "release date", "method", "chat template"],
    ]
    assert {step["n"] for step in steps} == {len(rows) - 2}
    assert [step["random"] for step in steps[:2]] == [[], ["base", "submitter", "family"]]


def test_the_first_step_is_the_plain_difference(rows: pd.DataFrame) -> None:
    first = mixed.sequence(rows, "final", seed=0)[0]
    own = rows.groupby("chinese")["average"].mean()
    assert first["value"] == pytest.approx(own[True] - own[False])


def test_the_final_score_is_also_asked_at_equal_base_score(rows: pd.DataFrame) -> None:
    steps = mixed.sequence(rows, "final", seed=0)
    assert steps[-1]["controls"][-1] == mixed.BASE_SCORE
    # Planted: 7 points higher in the end, 4 of them gained. At an equal base the rest is less.
    assert steps[-1]["value"] < steps[-2]["value"]
    gains = mixed.sequence(rows, "gain_base", seed=0)
    assert mixed.BASE_SCORE not in gains[-1]["controls"]


def test_a_shift_of_one_side_moves_the_coefficient_by_it(rows: pd.DataFrame) -> None:
    usable = mixed.complete(of_outcome(rows, "final"))
    moved = usable.assign(y=usable["y"] + 5 * usable["chinese"])
    one, other = (mixed.country(d, mixed.CONTROLS).country for d in (usable, moved))
    assert other.value - one.value == pytest.approx(5, abs=1e-4)
    assert other.error == pytest.approx(one.error, rel=1e-3)


def test_controls_that_cannot_be_told_apart_are_named(rows: pd.DataFrame) -> None:
    usable = mixed.complete(of_outcome(rows, "final"))
    # No merge among them: the column is constant.
    assert mixed.country(usable, mixed.CONTROLS).left_out == ("method merge",)
    same = usable.assign(root_released=pd.Timestamp("2024-01-01"))
    assert "release, years" in mixed.country(same, mixed.CONTROLS).left_out


def test_an_export_without_chat_templates_has_a_control_less(rows: pd.DataFrame) -> None:
    unknown = rows.assign(chat_template=pd.Series(pd.NA, index=rows.index, dtype="boolean"))
    steps = mixed.sequence(unknown, "final", seed=0)
    assert all("chat template" not in step["controls"] for step in steps)
    assert steps[0]["n"] == len(rows)


def test_what_the_rows_do_not_bear_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(mixed.CannotFit, match="one side"):
        mixed.sequence(rows[rows["chinese"]], "final", seed=0)
    with pytest.raises(mixed.CannotFit, match="no entry"):
        mixed.sequence(rows[:0], "final", seed=0)
    three = rows[rows["family"].isin(["cn0", "xx0", "xx1"])]
    with pytest.raises(mixed.CannotFit, match="3 families are too few"):
        mixed.sequence(three, "final", seed=0)


def test_one_family_on_a_side_has_no_plain_interval(rows: pd.DataFrame) -> None:
    one = rows[~rows["chinese"] | (rows["family"] == rows.loc[rows["chinese"], "family"].iloc[0])]
    found = mixed.difference_of_means(mixed.complete(of_outcome(one, "final")))
    assert found["ci95"] is None
    assert found["families_chinese"] == 1
