"""How far two rankings agree, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.evaluate.intervals import Interval, normal_quantile


@dataclass(frozen=True)
class RankAgreement:
    """Spearman's rank correlation of ``n`` pairs.

    ``spearman`` is None where it is not defined: fewer than two pairs, or one side all equal.
    ``ci95`` is None where there are fewer than four pairs, too.
    """

    spearman: float | None
    ci95: Interval | None
    n: int


def rank_agreement(first: Any, second: Any) -> RankAgreement:
    """Spearman's correlation of two equally long sequences, ties at their mean rank.

    Pairs of which either is not finite are left out; ``n`` says how many stayed. The 95% interval
    is Fisher's z with the standard error ``sqrt((1 + r²/2) / (n - 3))`` of Bonett and Wright (2000,
    Psychometrika 65, 23-28). It takes the pairs for independent; where neighbours resemble each
    other, as the paths of one model do, it is narrower than it should be.

    Raises:
        ValueError: the lengths differ.
    """
    from scipy.stats import rankdata

    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"sequences of shapes {a.shape} and {b.shape} do not pair")
    both = np.isfinite(a) & np.isfinite(b)
    n = int(both.sum())
    if n < 2 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return RankAgreement(None, None, n)
    r = float(np.corrcoef(rankdata(a[both]), rankdata(b[both]))[0, 1])
    r = min(1.0, max(-1.0, r))
    return RankAgreement(r, _interval(r, n), n)


def _interval(r: float, n: int) -> Interval | None:
    if n < 4:
        return None
    # At ±1 Fisher's z is infinite. Half the smallest step away from it, the interval still opens.
    edge = 1 - 3 / (n**3 - n)
    centre = math.atanh(min(edge, max(-edge, r)))
    reach = normal_quantile() * math.sqrt((1 + r * r / 2) / (n - 3))
    low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    return min(low, r), max(high, r)
