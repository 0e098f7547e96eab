"""Ours minus theirs with its variance, from the answers of one evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import step_failed
from workbench.leaderboard.reproduce.formula import Formula
from workbench.leaderboard.reproduce.items import Items, by_set

#: Made-up items, half right and half wrong, that go into a sample's variance.
MADE_UP = 4
#: So many standard deviations above or below its floor, a part's mean may really lie at it.
NEAR = 2.0


@dataclass(frozen=True)
class Pool:
    """Items drawn together from one set, and what each does to the figure.

    ``effects`` holds for each of ``n`` items how far it moves the figure: the figure is what it
    would be at the tasks' means plus the mean of these, which is 0. ``wrong`` and ``right`` are
    the effects of an item with nothing and with everything right; ``square`` is the mean square
    of how far an item's turning over moves the figure. ``of`` items are in the set.
    """

    task: str
    effects: np.ndarray
    wrong: float
    right: float
    square: float
    of: int

    @property
    def n(self) -> int:
        return len(self.effects)

    @property
    def moments(self) -> tuple[float, float]:
        """Variance and third central moment of an item's effect, made-up items taken along."""
        values, counts = np.unique(self.effects, return_counts=True)
        second, third = moments_of(values, counts, self.wrong, self.right)
        return float(second), float(third)


@dataclass(frozen=True)
class Measured:
    """Our figure, and what its variance is made of."""

    value: float
    pools: tuple[Pool, ...]
    formula: Formula
    means: Mapping[str, float]

    @property
    def n(self) -> int:
        """Items that were scored."""
        return sum(pool.n for pool in self.pools)

    @property
    def of(self) -> int:
        """Items that the sets have."""
        return sum(pool.of for pool in self.pools)


def measure(items: Items, formula: Formula) -> Measured:
    """The figure that ``formula`` makes of an evaluation, item by item.

    Raises:
        StepFailed: a task's score is not from 0 to 1, so that neither a share of flipped answers
            nor a floor means anything for it.
    """
    means = {task: items.scores[task].value for task in formula.tasks}
    slopes = formula.slopes()
    pools = [
        _pool(items, name, {task: slopes[task] for task in own})
        for name, own in by_set(formula.tasks).items()
    ]
    return Measured(float(formula.value(means)), tuple(pools), formula, means)


def _pool(items: Items, name: str, slopes: Mapping[str, float]) -> Pool:
    """The questions of one set: a row each, or several where a set has several metrics."""
    tasks = {task: items.tasks[task] for task in slopes}
    if any(float(t.scores.min()) < 0 or float(t.scores.max()) > 1 for t in tasks.values()):
        raise step_failed(
            f"{name} has scores beyond 0 to 1",
            "published figures are compared for shares of right answers only",
            "take the task out of the published table, or name another metric in the suite",
        )
    asked = np.concatenate([t.questions for t in tasks.values()])
    _, index = np.unique(asked, return_inverse=True)
    number = int(index.max()) + 1
    weight = np.concatenate(
        [np.full(len(t.scores), slopes[k] / len(t.scores) * number) for k, t in tasks.items()]
    )
    away = np.concatenate([t.scores - t.mean for t in tasks.values()])
    mean = np.concatenate([np.full(len(t.scores), t.mean) for t in tasks.values()])
    return Pool(
        task=name,
        effects=np.bincount(index, weights=weight * away),
        wrong=float(-(weight * mean).sum() / number),
        right=float((weight * (1 - mean)).sum() / number),
        square=float(np.mean(np.bincount(index, weights=weight) ** 2)),
        of=items.size(name, tuple(slopes), number),
    )


def moments_of(values: Any, counts: Any, wrong: Any, right: Any) -> tuple[Any, Any]:
    """Variance and third central moment of items, ``counts[..., k]`` of them at ``values[..., k]``.

    The ``MADE_UP`` items are among them. Broadcasts over leading axes.
    """
    half = MADE_UP / 2
    ends = ((wrong, half), (right, half))
    n = counts.sum(axis=-1) + MADE_UP
    mean = ((counts * values).sum(axis=-1) + sum(w * end for end, w in ends)) / n
    away = values - np.asarray(mean)[..., None]
    second = (counts * away**2).sum(axis=-1) + sum(w * (end - mean) ** 2 for end, w in ends)
    third = (counts * away**3).sum(axis=-1) + sum(w * (end - mean) ** 3 for end, w in ends)
    return second / (n - 1), third / n


def sampling_variance(spread: Any, n: Any, of: Any) -> Any:
    """Of a mean over ``n`` of ``of`` items without replacement: 0 when all are asked."""
    return (1 - n / of) * spread / n


def sampling_skew(third: Any, n: Any, of: Any) -> Any:
    """The third cumulant of such a mean; taken for 0 beyond half of all items.

    There its sign turns, and with few items left out the expansion that uses it no longer holds.
    """
    return (1 - n / of) * np.maximum(0.0, 1 - 2 * n / of) * third / n**2


def half_step(pools: Sequence[Pool], asked: Sequence[Any]) -> float:
    """Half of what one item moves a figure of one pool; a sum of several has no such steps."""
    if len(pools) != 1:
        return 0.0
    return (pools[0].right - pools[0].wrong) / float(asked[0]) / 2


def run_variance(pool: Pool, flips: float) -> float:
    """Of a mean over all of a set's items between two runs of the same weights."""
    return flips * pool.square / pool.of


def noise_of(pool: Pool, flips: float) -> float:
    """The whole variance of what a pool adds to the figure."""
    return float(sampling_variance(pool.moments[0], pool.n, pool.of)) + run_variance(pool, flips)


def lift(formula: Formula, means: Mapping[str, Any], noise: Mapping[str, Any]) -> Any:
    """The most that floors can have raised the figure, in its unit.

    ``means`` are by task, ``noise`` is each set's variance in the figure's unit. A part whose mean
    lies at its floor shows ``E max(0, noise) = 0.4 sd`` where 0 is meant, and averaging over many
    parts does not take that away as it does the noise. What is left at a distance of ``u`` standard
    deviations is ``phi(u) - u (1 - Phi(u))``; a part's true distance may be ``NEAR`` standard
    deviations less than the one seen. Broadcasts.
    """
    from scipy.special import ndtr

    slopes = formula.slopes()
    total: Any = 0.0
    for part in formula.parts:
        if part.floor == 0:
            continue
        variance = sum(
            noise[task.partition("/")[0]] * (share / slopes[task]) ** 2
            for task, share in part.shares.items()
        )
        deviation = np.sqrt(np.maximum(variance, 1e-300))
        distance = np.abs(formula.mean(part, means) - part.floor) / deviation
        u = np.maximum(0.0, distance - NEAR)
        density = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
        total = total + part.slope * deviation * (density - u * ndtr(-u))
    return total
