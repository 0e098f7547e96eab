"""A weighted sum of evaluations' figures, paired by item: one effect of a factorial design.

The items are the sample here, and the effect is what it would be on items like these: other than a
reproduction, which asks about one published figure on one set. Prompts may differ between the
evaluations where they are the treatment (a chat template); items may not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.errors import step_failed
from workbench.evaluate.intervals import Interval, t_quantile
from workbench.leaderboard.reproduce.formula import Formula
from workbench.leaderboard.reproduce.items import Items, by_set

METHOD = "linearised, paired by item, t over items"
#: Made-up items that gained or lost as much as one item can, half of one each way (Agresti and Min
#: 2005, Statistics in Medicine 24, 729-740): items that all agree leave some doubt.
MADE_UP = 0.5

Weighted = tuple[float, Items]


@dataclass(frozen=True)
class Effect:
    """``n`` counts items, those with several scores once; ``p`` is two-sided, against 0."""

    value: float
    ci95: Interval
    p: float
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """The effect as ``results.json`` holds it."""
        known = all(map(math.isfinite, self.ci95))
        return {**asdict(self), "ci95": list(self.ci95) if known else [None, None]}


def contrast(evaluations: Sequence[Weighted], formula: Formula) -> Effect:
    """The sum of each evaluation's figure times its weight.

    The variance is that of the items' own contrasts, through the formula's slopes above its floors
    (below one they overstate it), each set of items for itself. Items of one cluster count as one.

    Raises:
        StepFailed: the evaluations are not of the same items.
    """
    slopes = formula.slopes()
    value = sum(
        weight * float(formula.value({t: each.scores[t].value for t in formula.tasks}))
        for weight, each in evaluations
    )
    variances, freedoms, n = [], [], 0
    for tasks in by_set(formula.tasks).values():
        moved = _units(evaluations, {task: slopes[task] for task in tasks})
        # How far one question can move the figure.
        reach = max(abs(weight) for weight, _ in evaluations) * sum(slopes[t] for t in tasks)
        variances.append(_variance(moved, reach))
        freedoms.append(len(moved) - 1)
        n += len(moved)
    return Effect(value, *_judged(value, variances, freedoms), n, METHOD)


def _units(evaluations: Sequence[Weighted], slopes: dict[str, float]) -> np.ndarray:
    """Each independent unit's contrast, times the number of units: they have the mean 0."""
    moves, units = [], []
    for task, slope in slopes.items():
        first = evaluations[0][1].tasks[task]
        total = np.zeros(len(first.keys))
        for weight, each in evaluations:
            own = each.tasks[task]
            if not np.array_equal(own.keys, first.keys):
                alone = len(np.setxor1d(own.keys, first.keys))
                raise step_failed(
                    f"{task}: {alone} items were scored for some of the models only",
                    "effects are measured item by item",
                    "score all again with the same suite",
                )
            total += weight * slope * (own.scores - own.mean) / len(own.keys)
        moves.append(total)
        units.append(first.units(len(slopes) > 1))
    _, index = np.unique(np.concatenate(units), return_inverse=True)
    found = np.bincount(index, weights=np.concatenate(moves))
    return found * len(found)


def _variance(moved: np.ndarray, reach: float) -> float:
    """Of the mean of the units' contrasts, made-up ones taken along."""
    count = len(moved)
    squares = float(((moved - moved.mean()) ** 2).sum()) + 2 * MADE_UP * reach**2
    return squares / (count - 1 + 2 * MADE_UP) / count if count > 1 else math.inf


def _judged(
    value: float, variances: Sequence[float], freedoms: Sequence[int]
) -> tuple[Interval, float]:
    """The 95% interval and the two-sided p, at Welch and Satterthwaite's degrees of freedom."""
    from scipy.stats import t

    variance = sum(variances)
    if not math.isfinite(variance):
        return (-math.inf, math.inf), 1.0
    error = math.sqrt(variance)
    freedom = variance**2 / sum(v**2 / max(f, 1) for v, f in zip(variances, freedoms, strict=True))
    half = t_quantile(freedom) * error
    return (value - half, value + half), float(2 * t.sf(abs(value) / error, freedom))
