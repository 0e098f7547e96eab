"""Verdicts by the stated rule, and sentences that say what the numbers say."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import t

from workbench.leaderboard.analysis import answers


def step(
    value: float, low: float, high: float, p: float | None, controls: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "value": value, "ci95": [low, high], "p": 0.5, "se": 1.0, "df": 8.0,
        "permutation": None if p is None else {"p": p, "deals": 330, "every": True},
        "controls": list(controls), "n": 120, "bases": 30, "submitters": 40, "families": 12,
        "n_chinese": 40, "bases_chinese": 9, "families_chinese": 4, "method": "m",
    }  # fmt: skip


CONTROLS = ("log size", "release date", "method", "chat template")


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (0.1, 4.0, 0.01, "supported"),
        (0.1, 4.0, 0.2, "not shown"),
        (0.1, 4.0, None, "supported"),
        (-4.0, -0.1, 0.01, "contradicted"),
        (-4.0, -0.1, 0.06, "not shown"),
        (-1.0, 3.0, 0.01, "not shown"),
    ],
)
def test_the_rule(low: float, high: float, p: float | None, expected: str) -> None:
    assert answers.verdict(step((low + high) / 2, low, high, p)) == expected


def test_the_answer_is_the_last_step_before_the_bases_own_score() -> None:
    steps = [
        step(6.0, 4.0, 8.0, None),
        step(3.0, 1.0, 5.0, 0.01, CONTROLS),
        step(0.5, -2.0, 3.0, 0.8, (*CONTROLS, "base score")),
    ]
    found = answers.answers({"final": steps})["final"]
    assert found["verdict"] == "supported"
    assert found["value"] == 3.0
    assert found["before_controls"]["value"] == 6.0
    said = found["sentence"]
    assert "end 3.0 points higher than entries on others of the same size, release date" in said
    assert "95% interval +1.0 to +5.0; 120 entries, 30 bases of 12 families, 4 of them" in said
    assert "The plain difference of means is +6.0." in said


def test_a_loss_is_told_as_one() -> None:
    steps = [step(-1.0, -2, 0, None), step(-2.2, -3, -1, 0.01, CONTROLS[:3])]
    found = answers.answers({"gain_base": steps})["gain_base"]
    assert found["verdict"] == "contradicted"
    assert "gain 2.2 points less over their raw base than entries on others" in found["sentence"]
    assert "chat template" not in found["sentence"]


def test_nothing_to_compare_is_said_with_the_reason() -> None:
    found = answers.answers({}, {"final": "all entries are of one side"})
    assert found["final"]["verdict"] == "not shown"
    assert found["final"]["value"] is None
    assert found["final"]["sentence"].endswith("final score: all entries are of one side.")
    assert found["gain_base"]["sentence"].endswith("gain over base.")


def test_the_smallest_difference_found_has_that_power() -> None:
    found = answers.smallest_found({"se": 2.0, "df": 10.0})
    # Shifted t: the share of estimates around it whose interval excludes zero.
    power = 1 - t.cdf(t.ppf(0.975, 10) - found / 2.0, 10)
    assert power == pytest.approx(0.8, abs=1e-6)
