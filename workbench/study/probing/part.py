"""What a sub-test found, and the tests that several of them use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.evaluate.intervals import Interval, normal_quantile, t_quantile, wilson

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One sub-test: its value with a 95% interval, and ``p`` against ``null``.

    ``p`` is one-sided: how often a base without the effect shows a value at least as large.
    ``value`` is ``None`` where the sub-test could not run; ``words`` then say why. ``more`` is
    what else a reader may ask for, JSON only.
    """

    value: float | None
    ci95: Interval | None
    p: float | None
    n: int
    null: float = 0.0
    words: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """For ``Finding.parts``."""
        facts = {
            "value": self.value,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "p": self.p,
            "n": self.n,
            "null": self.null,
            "words": self.words,
        }
        return facts | dict(self.more)


def could_not(why: str) -> Part:
    """A sub-test that cannot run on this base or these items."""
    return Part(None, None, None, 0, words=why)


def mean_above(values: ArrayLike, null: float = 0.0) -> tuple[float, Interval, float]:
    """The mean, its t interval, and the one-sided p of a mean as large under ``null``.

    Values that do not vary leave an interval without width, and p is 0.5 where they equal
    ``null``, else 2^-n: that of n signs in one direction. Raises ``ValueError`` below two values.
    """
    numbers = np.asarray(values, dtype=float)
    n = len(numbers)
    if n < 2:
        raise ValueError("one value says nothing of how values vary")
    mean, error = float(numbers.mean()), float(numbers.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return mean, (mean, mean), _of_signs(mean - null, n)
    half = t_quantile(n - 1) * error
    return mean, (mean - half, mean + half), _upper((mean - null) / error, n - 1)


def difference(one: ArrayLike, other: ArrayLike) -> tuple[float, Interval, float]:
    """Mean of ``one`` minus mean of ``other`` with Welch's interval and one-sided p.

    Welch (1947), Biometrika 34, 28-35. Where neither varies, as :func:`mean_above`. Raises
    ``ValueError`` below two values on a side.
    """
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if min(len(a), len(b)) < 2:
        raise ValueError("one value says nothing of how values vary")
    value = float(a.mean() - b.mean())
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    error = math.sqrt(va + vb)
    if error == 0:
        return value, (value, value), _of_signs(value, min(len(a), len(b)))
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = t_quantile(freedom) * error
    return value, (value - half, value + half), _upper(value / error, freedom)


def auc(one: ArrayLike, other: ArrayLike) -> tuple[float, Interval, float]:
    """How often a value of ``one`` is above one of ``other``, ties half; DeLong's interval, p.

    DeLong et al. (1988), Biometrics 44, 837-845, the interval on the logit, so that it stays
    within 0 and 1; Wilson's with the smaller side's n where no placement varies. ``p`` is
    one-sided against 0.5, Mann and Whitney's with ties, whose variance is that of the hypothesis
    and does not vanish where the two do not overlap. Raises ``ValueError`` below two values on a
    side.
    """
    from scipy.stats import mannwhitneyu, rankdata

    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    m, n = len(a), len(b)
    if min(m, n) < 2:
        raise ValueError("one value says nothing of how values vary")
    joint = rankdata(np.concatenate([a, b]))
    # For each value, the share of the other side that it is above.
    above = (joint[:m] - rankdata(a)) / n
    below = 1 - (joint[m:] - rankdata(b)) / m
    value = float(above.mean())
    variance = float(above.var(ddof=1) / m + below.var(ddof=1) / n)
    p = float(mannwhitneyu(a, b, alternative="greater", method="asymptotic").pvalue)
    return value, _logit_interval(value, variance, m, n), 1.0 if math.isnan(p) else p


def _logit_interval(value: float, variance: float, m: int, n: int) -> Interval:
    if variance == 0:
        # No pair, or every pair, is the other way round: a share of the smaller side is.
        size = min(m, n)
        return wilson(value * size, size)
    centre = math.log(value / (1 - value))
    half = normal_quantile() * math.sqrt(variance) / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
    return low, high


def drawn(count: int, most: int, seed: int) -> list[int]:
    """Up to ``most`` of ``count`` places, in order, drawn with the seed."""
    if count <= most:
        return list(range(count))
    return sorted(np.random.default_rng(seed).choice(count, size=most, replace=False).tolist())


def _upper(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, -t))


def _of_signs(value: float, n: int) -> float:
    if value == 0:
        return 0.5
    return 0.5**n if value > 0 else 1.0


def mean_of(values: Sequence[float]) -> float:
    """The mean as a plain float, for JSON."""
    return float(np.mean(values))
