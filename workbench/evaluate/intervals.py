"""Intervals for one score: right/wrong items, clustered items, and everything else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Interval = tuple[float, float]


def normal_quantile(level: float = 0.95) -> float:
    """The two-sided standard normal quantile: 1.96 at 95%."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def t_quantile(freedom: float, level: float = 0.95) -> float:
    """The two-sided quantile of Student's t with ``freedom`` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def t_quantile_of(freedom: float, z: float) -> float:
    """Student's quantile with the tail that ``z`` leaves under the normal curve."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(freedom, float(ndtr(-z))))


def wilson(k: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval for ``k`` right of ``n``; either may be fractional.

    Wilson (1927), JASA 22, 209-212. Holds its level for small ``n`` and near 0 and 1, where the
    usual ``p ± 1.96 se`` does not.

    Raises:
        ValueError: ``n`` is not positive or ``k`` is outside 0..n.
    """
    return wilson_reaching(k, n, normal_quantile(level))


def wilson_reaching(k: float, n: float, z: float) -> Interval:
    """:func:`wilson` at a normal quantile ``z`` in place of a level."""
    if not (n > 0 and 0 <= k <= n):
        raise ValueError(f"{k} right of {n}")
    if math.isinf(z):
        return 0.0, 1.0
    z2 = z**2
    p = k / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return low, high


def clustered_error(scores: Any, clusters: Sequence[str] | Any) -> tuple[float, int]:
    """The standard error of a mean whose items come in clusters, and the number of clusters.

    Miller (2024), "Adding Error Bars to Evals", eq. 4: deviations are summed within a cluster
    before squaring. Times C / (C - 1), so that with one item a cluster it is the ordinary
    ``s / sqrt(n)``. Infinite for a single cluster, which says nothing of its own variation.
    """
    scores = np.asarray(scores, dtype=float)
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    count = int(index.max()) + 1
    if count < 2:
        return math.inf, count
    sums = np.bincount(index, weights=scores - scores.mean())
    variance = float(np.sum(sums**2)) / len(scores) ** 2 * count / (count - 1)
    return math.sqrt(variance), count


def mean_interval(
    scores: Any, clusters: Sequence[str] | Any | None = None, *, z: float | None = None
) -> tuple[Interval, str]:
    """The 95% interval for the mean of ``scores`` and the name of its method.

    ``z`` is another normal quantile than 1.96: that of one look of several.

    Right/wrong items: Wilson. Right/wrong items in clusters: Wilson at the effective sample size
    ``p(1-p)/se²`` with the clustered ``se``, shrunk by ``(z/t)²`` for few clusters (Korn and
    Graubard 1998, Survey Methodology 24, 193-201; Dean and Pagano 2015, J. Surv. Stat. Methodol.
    3, 484-503). Otherwise ``mean ± t · se`` with one degree of freedom less than clusters.
    """
    z = normal_quantile() if z is None else z
    scores = np.asarray(scores, dtype=float)
    n = len(scores)
    binary = bool(np.all((scores == 0) | (scores == 1)))
    if clusters is None:
        if binary:
            return wilson_reaching(float(scores.sum()), n, z), "Wilson"
        clusters = np.arange(n)
        method = "t over items"
    else:
        method = "Wilson at the clusters' effective sample size" if binary else "t over clusters"
    error, count = clustered_error(scores, clusters)
    mean = float(scores.mean())
    if binary:
        size = _effective_size(mean, error, n, count)
        return wilson_reaching(mean * size, size, z), method
    half = t_quantile_of(count - 1, z) * error if count > 1 and error else 0.0
    if count < 2 or math.isinf(half):
        # Nothing is known of how clusters vary, but a share is a share.
        share = bool(np.all((scores >= 0) & (scores <= 1)))
        return ((0.0, 1.0) if share else (-math.inf, math.inf)), method
    return (mean - half, mean + half), method


def _effective_size(p: float, error: float, n: int, clusters: int) -> float:
    """How many independent items tell as much as ``n`` in ``clusters``: between 1 and ``n``."""
    if clusters < 2:
        return 1.0
    # With every item right, or every one wrong, the data show no design effect: assume the worst,
    # that a cluster counts as one item.
    size = p * (1 - p) / error**2 if error > 0 and 0 < p < 1 else clusters
    size *= (normal_quantile() / t_quantile(clusters - 1)) ** 2
    return float(min(max(size, 1.0), n))
