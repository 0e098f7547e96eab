"""A part's accuracy from its items: the weighted mean, and how many items it is worth.

Weights are those of the whole sets, so that a sample of items estimates what the whole would give
(a stratified estimate). The effective number of items, with which Wilson's and Tango's intervals
are taken, is Kish's for unequal weights, reduced where rows are not independent of each other:
instructions of one prompt, or one question asked several times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.compare.differences import tango_reaching
from workbench.evaluate.intervals import normal_quantile, t_quantile, wilson
from workbench.leaderboard.scheme import Part

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Mean:
    """A part's weighted mean with its interval, from 0 to 1. ``n`` counts items."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Gap:
    """The difference of a part's weighted means: ``value`` within what ``reach`` gives.

    ``gained`` and ``lost`` are weighted shares of items, ``size`` the effective number of them;
    ``error`` is the standard error where scores are not right or wrong, else ``None``.
    """

    value: float
    gained: float
    lost: float
    size: float
    error: float | None

    def reach(self, z: float) -> tuple[float, float]:
        """The limits at a normal quantile ``z``."""
        if self.error is not None:
            return self.value - z * self.error, self.value + z * self.error
        return tango_reaching(self.gained * self.size, self.lost * self.size, self.size, z)


@dataclass(frozen=True)
class _Rows:
    """Rows of a part: the score, the weight and the independent unit that each belongs to."""

    scores: np.ndarray
    weights: np.ndarray
    units: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.scores @ self.weights)

    @property
    def kish(self) -> float:
        """Kish's effective number of rows (Survey Sampling, 1965, section 11.7)."""
        return float(1 / np.sum(self.weights**2))

    def variance(self, centre: np.ndarray) -> tuple[float, int]:
        """The variance of the mean over independent units, and their number.

        ``centre`` is each row's own mean, that of its task. Infinite for a single unit.
        """
        _, index = np.unique(self.units, return_inverse=True)
        count = int(index.max()) + 1
        if count < 2:
            return math.inf, count
        sums = np.bincount(index, weights=(self.scores - centre) * self.weights)
        return float(np.sum(sums**2)) * count / (count - 1), count


def mean_of(part: Part, tasks: Mapping[str, pd.DataFrame]) -> Mean:
    """The part's mean over the items of its tasks, as ``Evaluation.samples`` holds them."""
    rows = _rows(part, {key: tasks[key] for key in tasks}, "score")
    value, centre = rows.mean, _centre(part, tasks, "score")
    n = _count(part, tasks)
    if part.same_items or bool(np.isin(rows.scores, (0, 1)).all()):
        size = _effective(part, rows, centre, value * (1 - value))
        # Rounding may put a mean of ones a hair above 1.
        return Mean(value, *wilson(min(value, 1.0) * size, size), n)
    variance, count = rows.variance(centre)
    half = t_quantile(count - 1) * math.sqrt(variance) if count > 1 else math.inf
    return Mean(value, value - half, value + half, n)


def gap_between(
    part: Part, ours: Mapping[str, pd.DataFrame], theirs: Mapping[str, pd.DataFrame]
) -> Gap:
    """The difference of two models on the same items, row by row in the same order."""
    both = {
        task.key: ours[task.key].assign(
            gap=ours[task.key]["score"].to_numpy(float) - theirs[task.key]["score"].to_numpy(float)
        )
        for task in part.tasks
    }
    rows = _rows(part, both, "gap")
    centre = _centre(part, both, "gap")
    gained = float(rows.weights @ (rows.scores > 0))
    lost = float(rows.weights @ (rows.scores < 0))
    value = rows.mean
    whole = bool(np.isin(rows.scores, (-1, 0, 1)).all())
    if whole and not part.same_items:
        size = _effective(part, rows, centre, gained + lost - value**2)
        return Gap(value, gained, lost, max(size, 1.0), None)
    variance, count = rows.variance(centre)
    if count > 1 and variance > 0:
        # The t quantile, expressed at the normal's.
        error = math.sqrt(variance) * t_quantile(count - 1) / normal_quantile()
        return Gap(value, gained, lost, count, error)
    # No difference anywhere says no more than that many units without one.
    return Gap(value, 0.0, 0.0, float(count), None)


def _rows(part: Part, tasks: Mapping[str, pd.DataFrame], column: str) -> _Rows:
    scores, weights, units = [], [], []
    for task in part.tasks:
        frame = tasks[task.key]
        scores.append(frame[column].to_numpy(float))
        weights.append(np.full(len(frame), task.weight / len(frame)))
        units.append(_units(part, task.key, frame))
    return _Rows(np.concatenate(scores), np.concatenate(weights), np.concatenate(units))


def _centre(part: Part, tasks: Mapping[str, pd.DataFrame], column: str) -> np.ndarray:
    """Each row's task mean."""
    return np.concatenate(
        [
            np.full(len(tasks[task.key]), tasks[task.key][column].to_numpy(float).mean())
            for task in part.tasks
        ]
    )


def _units(part: Part, key: str, frame: pd.DataFrame) -> np.ndarray:
    """What is independent: a cluster, where rows have one, else the item of its task."""
    clusters = frame["cluster"].to_numpy(str)
    items = frame["item_id"].to_numpy(str)
    if not part.same_items:
        items = np.char.add(f"{key}\n", items)
    return np.where(clusters == "", items, clusters)


def _effective(part: Part, rows: _Rows, centre: np.ndarray, spread: float) -> float:
    """How many independent items tell as much: between 1 and Kish's number.

    ``spread`` is the variance of one independent item.
    """
    units = len(np.unique(rows.units))
    if units == len(rows.units):
        # No cluster says which copies of a question belong together: assume the worst of them.
        return max(rows.kish / part.overlap, 1.0)
    if units < 2:
        return 1.0
    variance, _ = rows.variance(centre)
    # Where nothing varies, the data show no design effect: a unit counts as one item.
    size = spread / variance if variance > 0 and spread > 0 else float(units)
    size *= (normal_quantile() / t_quantile(units - 1)) ** 2
    return float(min(max(size, 1.0), rows.kish))


def _count(part: Part, tasks: Mapping[str, pd.DataFrame]) -> int:
    """Items scored, those scored in two ways counted once."""
    counted = part.tasks[:1] if part.same_items else part.tasks
    return sum(len(tasks[task.key]) for task in counted)
