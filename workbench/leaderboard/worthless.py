"""What the best of many worthless variants of a model would show on the leaderboard.

A worthless variant answers some items otherwise than its parent, and as many items turn right as
turn wrong but for chance. Its measured gain is noise; the best of n such gains is not small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.leaderboard.normalise import accuracy_of
from workbench.leaderboard.scheme import AVERAGE, Benchmark, Part, Scheme

#: Simulated contests of ``n`` variants each.
CONTESTS = 200


@dataclass(frozen=True)
class Best:
    """The largest of ``n`` normal deviates with standard deviation ``se``, in the unit of ``se``.

    ``range90`` holds the middle 90% of such maxima; ``reached`` is the chance that at least one of
    the ``n`` reaches the gain that was asked about, ``None`` where none was.
    """

    n: int
    se: float
    expected: float
    range90: tuple[float, float]
    reached: float | None


def best_of(n: int, se: float, gain: float | None = None) -> Best:
    """The best of ``n`` worthless variants whose gains have the standard error ``se``.

    Exact for independent normal gains: the expectation by numerical integration of the largest
    order statistic, quantiles and chance from the normal distribution to the power ``n``.

    Raises:
        ValueError: ``n`` is below 1 or ``se`` is negative.
    """
    from scipy.special import log_ndtr, ndtri

    if n < 1 or se < 0:
        raise ValueError(f"the best of {n} with standard error {se}")
    # E(max) = the integral of P(max > x) above zero less that of P(max < x) below it.
    x, step = np.linspace(0, 10, 100_001, retstep=True)
    above, below = -np.expm1(n * log_ndtr(x)), np.exp(n * log_ndtr(-x))
    expected = float(np.trapezoid(above - below, dx=step))
    low, high = (float(ndtri(q ** (1 / n))) for q in (0.05, 0.95))
    reached = None
    if gain is not None:
        # Without spread, a gain above zero is never reached.
        z = gain / se if se else math.copysign(math.inf, gain)
        reached = float(-np.expm1(n * log_ndtr(z)))
    return Best(n, se, se * expected, (se * low, se * high), reached)


def simulate(
    scheme: Scheme,
    points: Mapping[str, float],
    *,
    n: int,
    differ: float,
    seed: int,
    contests: int = CONTESTS,
) -> dict[str, Any]:
    """Measured gains of ``n`` worthless variants of an entry with these ``points``, drawn anew.

    ``differ`` is the share of items on which exactly one of variant and parent is right. Each task
    is drawn item by item (as binomial counts) and put through the points formula with its clip.
    Returns the best gain in the average: its mean and middle 90% over ``contests``, the standard
    deviation of a single gain, and what each benchmark supplies to the best gain on average.
    """
    generator = np.random.default_rng(seed)
    gains = {
        benchmark.name: _gains(benchmark, points[benchmark.name], differ, (contests, n), generator)
        for benchmark in scheme.benchmarks
    }
    average = np.mean(list(gains.values()), axis=0)
    winner = average.argmax(axis=1)
    row = np.arange(contests)
    best = average[row, winner]
    supplied = {name: float(gain[row, winner].mean()) / len(gains) for name, gain in gains.items()}
    return {
        "n": n,
        "contests": contests,
        "differ": differ,
        "expected": float(best.mean()),
        "range90": [float(q) for q in np.quantile(best, (0.05, 0.95))],
        "sd": {AVERAGE: float(average.std()), **{k: float(g.std()) for k, g in gains.items()}},
        "supplied": supplied,
    }


def _gains(
    benchmark: Benchmark,
    points: float,
    differ: float,
    shape: tuple[int, int],
    generator: np.random.Generator,
) -> np.ndarray:
    """Gains in points on one benchmark; its parts are taken to stand at the same points."""
    gains = np.zeros(shape)
    for part in benchmark.parts:
        before = accuracy_of(points, part.floor)
        after = before + _changes(part, before, differ, shape, generator)
        scale = 100 / (1 - part.floor)
        # The clip, as the leaderboard does it.
        gains += scale * (np.maximum(after - part.floor, 0) - max(before - part.floor, 0))
    return gains / len(benchmark.parts)


def _changes(
    part: Part, accuracy: float, differ: float, shape: tuple[int, int], generator: Any
) -> np.ndarray:
    """Changes of a part's accuracy: as many answers turn right as turn wrong, but for chance."""
    # Answers that are asked for several times turn together, at worst.
    items = round(part.items / part.overlap)
    right = round(items * accuracy)
    # No more can turn than are right, or wrong.
    turned = min(differ / 2 * items, right, items - right)
    gained = generator.binomial(items - right, turned / max(items - right, 1), size=shape)
    lost = generator.binomial(right, turned / max(right, 1), size=shape)
    # Where one answer is scored in two ways, a turn moves both.
    unit = sum(task.weight / task.items for task in part.tasks) if part.same_items else 1 / items
    return (gained - lost) * unit
