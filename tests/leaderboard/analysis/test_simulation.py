"""The analysis on leaderboards with known effects: what was planted is found, and nothing else.

A part of ``tests/benchmarks/leaderboard_simulation.py``, which runs a hundred of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.leaderboard.analysis.judged import NONE, PLANTED, judge
from workbench.leaderboard.analysis.outcomes import QUESTION

TIMES = 20


@pytest.fixture(scope="module")
def planted() -> list[dict[str, Any]]:
    return [judge(seed, **PLANTED) for seed in range(2000, 2000 + TIMES)]


@pytest.fixture(scope="module")
def nothing() -> list[dict[str, Any]]:
    return [judge(seed, **NONE) for seed in range(3000, 3000 + TIMES)]


@pytest.mark.parametrize("outcome", QUESTION)
def test_intervals_hold_the_planted_difference(planted: list, outcome: str) -> None:
    # 95% intervals: 16 or fewer of 20 happen less than twice in a hundred times.
    assert sum(one[outcome]["covered"] for one in planted) >= 17
    assert not any(one[outcome]["verdict"] == "contradicted" for one in planted)


@pytest.mark.parametrize("outcome", QUESTION)
def test_nothing_is_found_where_nothing_was_planted(nothing: list, outcome: str) -> None:
    assert sum(one[outcome]["verdict"] != "not shown" for one in nothing) <= 3
    assert sum(one[outcome]["covered"] for one in nothing) >= 17


def test_the_large_difference_is_usually_found(planted: list) -> None:
    assert sum(one["final"]["verdict"] == "supported" for one in planted) >= 14


def test_the_confounder_is_recovered_and_fools_the_plain_means(
    planted: list, nothing: list
) -> None:
    assert sum(one["size_covered"] for one in (*planted, *nothing)) >= 34
    fooled = sum(one["final"]["plain_excludes_zero"] for one in nothing)
    assert fooled > sum(one["final"]["excludes_zero"] for one in nothing)


def test_the_best_of_more_is_corrected_at_equal_numbers(planted: list, nothing: list) -> None:
    best = [one[name]["best"] for one in (*planted, *nothing) for name in QUESTION]
    assert all(one is not None for one in best)
    brought = np.mean([one["brought"] for one in best])
    plain = np.mean([one["all_off"] for one in best])
    equal = np.mean([one["equal_off"] for one in best])
    assert brought > 0.5
    assert plain - equal == pytest.approx(brought, abs=0.25)
    assert sum(one["equal_covered"] for one in best) >= 0.9 * len(best)
    assert sum(one["brought_covered"] for one in best) >= 0.9 * len(best)
