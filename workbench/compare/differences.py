"""Tests and intervals for paired differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from workbench.evaluate.intervals import Interval, normal_quantile

RESAMPLES = 10_000

#: Numbers held at once while resampling: 32 MB of indices.
_BLOCK = 1 << 22


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact two-sided p: the discordant items as fair coin tosses.

    McNemar (1947), Psychometrika 12, 153-157, with the binomial distribution in place of the
    chi-square. 1.0 when no item differs.
    """
    from scipy.stats import binom

    tosses = gained + lost
    return min(1.0, 2 * float(binom.cdf(min(gained, lost), tosses, 0.5))) if tosses else 1.0


def tango(gained: float, lost: float, n: float, level: float = 0.95) -> Interval:
    """Tango's score interval for the difference ``(gained - lost) / n`` of paired proportions.

    Tango (1998), Statistics in Medicine 17, 891-908: all differences that the score test, with the
    nuisance parameter at its restricted maximum, does not reject. Unlike Wald's it is not a point
    when nothing differs. Found by bisection. Counts may be fractional, as those of an effective
    sample are.

    Raises:
        ValueError: counts are negative or exceed ``n``.
    """
    return tango_reaching(gained, lost, n, normal_quantile(level))


def tango_reaching(gained: float, lost: float, n: float, z: float) -> Interval:
    """:func:`tango` at a normal quantile ``z`` in place of a level."""
    if min(gained, lost) < 0 or n < 1 or gained + lost > n * (1 + 1e-12):
        raise ValueError(f"{gained} gained and {lost} lost of {n}")
    return -_tango_upper(lost, gained, n, z), _tango_upper(gained, lost, n, z)


def _tango_upper(b: float, c: float, n: float, z: float) -> float:
    """The largest difference whose score statistic is not below ``-z``."""
    if b == n:
        return 1.0
    low, high = (b - c) / n, 1.0
    # The statistic falls from 0 at the estimate to below -z at 1; 60 halvings reach the last bit.
    for _ in range(60):
        middle = (low + high) / 2
        if _score(b, c, n, middle) < -z:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _score(b: float, c: float, n: float, delta: float) -> float:
    linear = (2 * n - b + c) * delta - b - c
    product = c * delta * (1 - delta)
    # The restricted estimate of the probability of losing an item.
    q = (math.sqrt(linear * linear + 8 * n * product) - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = b - c - n * delta
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def paired_bootstrap(
    differences: Any, clusters: Any | None, *, seed: int, resamples: int = RESAMPLES
) -> tuple[Interval, float]:
    """Percentile interval and two-sided p for the mean of paired ``differences``.

    Clusters (items, where there are none) are drawn with replacement; p is twice the smaller tail
    beyond zero, counting the sample itself (Davison and Hinkley 1997, ch. 4), so that it is never
    0. The same seed and order of items give the same numbers. Swapping the two models mirrors them.
    """
    differences = np.asarray(differences, dtype=float)
    if clusters is None:
        sums, sizes = differences, np.ones(len(differences))
    else:
        _, index = np.unique(np.asarray(clusters), return_inverse=True)
        sums, sizes = np.bincount(index, weights=differences), np.bincount(index).astype(float)
    means = _resampled_means(sums, sizes, np.random.default_rng(seed), resamples)
    means.sort()
    # The same rank from either end, so that the interval mirrors when the models are swapped.
    rank = int(0.025 * resamples)
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (resamples + 1))
    return (float(means[rank]), float(means[-1 - rank])), p


def _resampled_means(
    sums: Any, sizes: Any, generator: np.random.Generator, resamples: int
) -> np.ndarray:
    count = len(sums)
    block = max(1, _BLOCK // count)
    means = np.empty(resamples)
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        drawn = generator.integers(count, size=(stop - start, count))
        means[start:stop] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means
