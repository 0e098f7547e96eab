"""The analysis of one simulated leaderboard against what was planted in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.leaderboard.analysis.simulated import SIZE_SLOPE, Truth, leaderboard
from workbench.leaderboard.analysis import mixed, selection
from workbench.leaderboard.analysis.answers import verdict
from workbench.leaderboard.analysis.outcomes import QUESTION, community, of_outcome

PLANTED = {"start": 3.0, "gain": 4.0, "instruct": 2.0}
NONE = {"start": 0.0, "gain": 0.0, "instruct": 0.0}


def judge(seed: int, **planted: float) -> dict[str, Any]:
    """What was covered, what was found, and how plain means and plain bests would have done."""
    frame, truth = leaderboard(seed, **planted)
    rows = community(frame)
    found: dict[str, Any] = {"entries": len(rows)}
    for outcome in QUESTION:
        usable = mixed.complete(of_outcome(rows, outcome))
        true = getattr(truth, outcome)
        fitted = mixed.country(usable, mixed.CONTROLS, seed=seed)
        said = fitted.json()
        plain = mixed.difference_of_means(usable)
        found[outcome] = {
            "value": said["value"],
            "se": said["se"],
            "covered": within(true, said["ci95"]),
            "verdict": verdict(said),
            "excludes_zero": not within(0, said["ci95"]),
            "plain_covered": within(true, plain["ci95"]),
            "plain_excludes_zero": not within(0, plain["ci95"]),
            "best": _best(rows, outcome, true, truth),
        }
        if outcome == "final":
            slope = said["coefficients"]["log10 parameters"]
            found["size_covered"] = within(SIZE_SLOPE, slope["ci95"])
    return found


def within(value: float, ci95: Any) -> bool:
    """Whether an interval holds a value."""
    return bool(ci95[0] <= value <= ci95[1])


def _best(rows: pd.DataFrame, outcome: str, true: float, truth: Truth) -> dict[str, Any] | None:
    best = selection.compare_sides(rows, outcome)
    if best is None or "why" in best:
        return None
    brought = planted_by_numbers(rows, outcome, truth)
    equal, every = best["best_of_equal"], best["best_of_all"]
    return {
        "equal_covered": within(true, equal["ci95"]),
        "all_covered": within(true, every["ci95"]),
        "brought_covered": within(brought, best["numbers_bring_ci95"]),
        "equal_excludes_zero": not within(0, equal["ci95"]),
        "all_excludes_zero": not within(0, every["ci95"]),
        "equal_off": equal["value"] - true,
        "all_off": every["value"] - true,
        "brought": brought,
    }


def planted_by_numbers(rows: pd.DataFrame, outcome: str, truth: Truth) -> float:
    """What more entries bring the Chinese bases at their best, from the law of an entry itself."""
    usable = mixed.complete(of_outcome(rows, outcome))
    bases = selection.best_by_base(usable, selection.EQUAL)
    pool = np.sort(truth.pool)
    brought = [_mean_best(pool, n) - _mean_best(pool, selection.EQUAL) for n in bases["n"]]
    effect = mixed.country(bases.assign(y=brought), selection.CONTROLS, random=("family",))
    return effect.country.value


def _mean_best(pool: np.ndarray, n: int) -> float:
    """The mean of the best of ``n`` draws with replacement from a sorted pool."""
    reached = np.arange(1, len(pool) + 1) / len(pool)
    return float(pool @ np.diff(reached**n, prepend=0.0))
