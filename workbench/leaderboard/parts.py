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
    """Rows of a part: the score, its task's mean, and the weight of each.

    ``units`` says which independent unit a row belongs to; ``None`` where each row is its own.
    """

    scores: np.ndarray
    centre: np.ndarray
    weights: np.ndarray
    units: np.ndarray | None

    @property
    def mean(self) -> float:
        return float(self.scores @ self.weights)

    @property
    def kish(self) -> float:
        """Kish's effective number of rows (Survey Sampling, 1965, section 11.7)."""
        return float(1 / np.sum(self.weights**2))

    @property
    def count(self) -> int:
        """Independent units."""
        return len(self.scores) if self.units is None else int(self.units.max()) + 1

    @property
    def variance(self) -> float:
        """The variance of the mean over independent units; infinite for a single one."""
        if self.count < 2:
            return math.inf
        apart = (self.scores - self.centre) * self.weights
        sums = apart if self.units is None else np.bincount(self.units, weights=apart)
        return float(np.sum(sums**2)) * self.count / (self.count - 1)


def mean_of(part: Part, tasks: Mapping[str, pd.DataFrame]) -> Mean:
    """The part's mean over the items of its tasks, as ``Evaluation.samples`` holds them."""
    rows = _rows(part, tasks, {task.key: _scores(tasks[task.key]) for task in part.tasks})
    value, n = rows.mean, _count(part, tasks)
    if part.same_items or bool(np.isin(rows.scores, (0, 1)).all()):
        size = _effective(part, rows, value * (1 - value))
        # Rounding may put a mean of ones a hair above 1.
        return Mean(value, *wilson(min(value, 1.0) * size, size), n)
    half = t_quantile(rows.count - 1) * math.sqrt(rows.variance) if rows.count > 1 else math.inf
    return Mean(value, value - half, value + half, n)


def gap_between(
    part: Part, ours: Mapping[str, pd.DataFrame], theirs: Mapping[str, pd.DataFrame]
) -> Gap:
    """The difference of two models on the same items, row by row in the same order."""
    gaps = {task.key: _scores(ours[task.key]) - _scores(theirs[task.key]) for task in part.tasks}
    rows = _rows(part, ours, gaps)
    gained = float(rows.weights @ (rows.scores > 0))
    lost = float(rows.weights @ (rows.scores < 0))
    value = rows.mean
    whole = bool(np.isin(rows.scores, (-1, 0, 1)).all())
    if whole and not part.same_items:
        size = _effective(part, rows, gained + lost - value**2)
        return Gap(value, gained, lost, size, None)
    if rows.count > 1 and rows.variance > 0:
        # The t quantile, expressed at the normal's.
        error = math.sqrt(rows.variance) * t_quantile(rows.count - 1) / normal_quantile()
        return Gap(value, gained, lost, rows.count, error)
    # No difference anywhere says no more than that many units without one.
    return Gap(value, 0.0, 0.0, float(rows.count), None)


def _scores(frame: pd.DataFrame) -> np.ndarray:
    return frame["score"].to_numpy(float)


def _rows(part: Part, tasks: Mapping[str, pd.DataFrame], scores: Mapping[str, np.ndarray]) -> _Rows:
    each = [scores[task.key] for task in part.tasks]
    sizes = [len(values) for values in each]
    return _Rows(
        np.concatenate(each),
        np.repeat([values.mean() for values in each], sizes),
        np.repeat([t.weight / n for t, n in zip(part.tasks, sizes, strict=True)], sizes),
        _units(part, [tasks[task.key] for task in part.tasks]),
    )


def _units(part: Part, frames: list[pd.DataFrame]) -> np.ndarray | None:
    """What is independent: a cluster, where rows have one, else the item of its task."""
    clusters = np.concatenate([frame["cluster"].to_numpy(str) for frame in frames])
    alone = clusters == ""
    if not part.same_items and bool(alone.all()):
        return None
    items = np.concatenate([frame["item_id"].to_numpy(str) for frame in frames])
    if not part.same_items:
        # Items of two tasks are two, whatever they are called.
        tasks = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
        items = np.char.add(np.char.add(tasks.astype(str), "\n"), items)
    return np.unique(np.where(alone, items, clusters), return_inverse=True)[1]


def _effective(part: Part, rows: _Rows, spread: float) -> float:
    """How many independent items tell as much: between 1 and Kish's number.

    ``spread`` is the variance of one independent item.
    """
    if rows.units is None or rows.count == len(rows.scores):
        # No cluster says which copies of a question belong together: reckon with the usual.
        return max(rows.kish / part.overlap, 1.0)
    if rows.count < 2:
        return 1.0
    # Where nothing varies, the data show no design effect: a unit counts as one item.
    varies = rows.variance > 0 and spread > 0
    size = spread / rows.variance if varies else float(rows.count)
    size *= (normal_quantile() / t_quantile(rows.count - 1)) ** 2
    return float(min(max(size, 1.0), rows.kish))


def _count(part: Part, tasks: Mapping[str, pd.DataFrame]) -> int:
    """Items scored, those scored in two ways counted once."""
    counted = part.tasks[:1] if part.same_items else part.tasks
    return sum(len(tasks[task.key]) for task in counted)
