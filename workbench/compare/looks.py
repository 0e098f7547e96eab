"""The verdict on one comparison at a look of several, and what may be claimed after stopping there.

The rule. A comparison is *clear* at a look when one of these holds:

- ``higher`` or ``lower``: the interval of the difference at the look's own level excludes zero. The
  levels are those of :mod:`workbench.compare.sequential`, so that the intervals of all looks hold
  the true difference together with probability ``1 - alpha`` (repeated confidence intervals,
  Jennison and Turnbull 1989, J. R. Stat. Soc. B 51, 305-361). Whatever made one stop, and at
  whichever look, the interval of that look is valid.
- ``equivalent``, only where a margin was set: two one-sided tests, each of which spends ``alpha``
  over the looks, say that the difference is above ``-margin`` and below ``margin``. Both must say
  so at the same look. A difference that is established takes the word first.

Otherwise it is ``unclear``. Nothing is said of several tasks together: each spends its own alpha,
as each has its own interval in a comparison of one look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from workbench.compare.differences import mcnemar, tango_reaching
from workbench.compare.sequential import boundaries, repeated_p
from workbench.evaluate.config import Spending
from workbench.evaluate.intervals import Interval, clustered_error, t_quantile_of

Verdict = Literal["higher", "lower", "equivalent", "unclear"]


@dataclass(frozen=True)
class LookPlan:
    """When to look, laid down before the first: ``ends`` are the items scored by each look."""

    ends: tuple[int, ...]
    alpha: float = 0.05
    spending: Spending = "obrien-fleming"
    margin: float | None = None

    @property
    def fractions(self) -> tuple[float, ...]:
        """The share of the planned items at each look."""
        return tuple(end / self.ends[-1] for end in self.ends)

    def reach(self, look: int, alpha: float, sides: Literal[1, 2]) -> float:
        """The normal quantile that the statistic must reach at ``look`` (1 is the first)."""
        return boundaries(self.fractions, alpha, self.spending, sides)[look - 1]

    def as_dict(self) -> dict[str, Any]:
        """As ``evaluation.json`` holds it."""
        return {**asdict(self), "ends": list(self.ends)}

    @staticmethod
    def of(facts: Mapping[str, Any]) -> LookPlan:
        """What :meth:`as_dict` gave."""
        return LookPlan(**{**facts, "ends": tuple(facts["ends"])})


@dataclass(frozen=True)
class Judged:
    """A comparison at look ``look``: child minus parent.

    ``ci95`` and ``p`` allow for all the looks; ``p_alone`` is what this look by itself would say.
    ``within`` is the interval of the two one-sided tests, where a margin was set.
    """

    delta: float
    ci95: Interval
    p_alone: float
    n: int
    gained: int
    lost: int
    look: int
    plan: LookPlan
    verdict: Verdict
    within: Interval | None
    method: str

    @property
    def p(self) -> float:
        """Two-sided, against no difference."""
        return repeated_p(self.p_alone, self.look, self.plan.fractions, self.plan.spending)


def judge(before: Any, after: Any, clusters: Any | None, plan: LookPlan, look: int) -> Judged:
    """The comparison of paired scores on all items up to ``look``.

    Right/wrong items without clusters: Tango's interval, which is stretched to zero where McNemar's
    exact test does not reject at the look's level: with few changed items the normal approximation
    is too sure. Otherwise ``mean ± t se`` with the standard error over clusters, the quantile taken
    at the probability of the look's boundary (Jennison and Turnbull 2000, ch. 3).

    Raises:
        ValueError: ``look`` is not one of the plan's, or the scores do not pair.
    """
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if not 1 <= look <= len(plan.ends):
        raise ValueError(f"look {look} of {len(plan.ends)}")
    if before.shape != after.shape or not len(before):
        raise ValueError(f"scores of shapes {before.shape} and {after.shape} do not pair")
    gained, lost = int((after > before).sum()), int((after < before).sum())
    both = np.concatenate([before, after])
    if clusters is None and bool(np.all((both == 0) | (both == 1))):
        pair: _Pair = _RightWrong(gained, lost, len(before))
    else:
        pair = _Graded(before, after, clusters)
    # The quantile that alpha asks for decides; what is reported is always a 95% interval.
    decided = pair.interval(plan.reach(look, plan.alpha, 2))
    within = None
    if plan.margin is not None:
        within = pair.interval(plan.reach(look, plan.alpha, 1), at_zero=False)
    verdict: Verdict = "unclear"
    if decided[0] > 0:
        verdict = "higher"
    elif decided[1] < 0:
        verdict = "lower"
    elif plan.margin is not None and within is not None:
        inside = -plan.margin < within[0] and within[1] < plan.margin
        verdict = "equivalent" if inside else "unclear"
    return Judged(
        delta=pair.delta,
        ci95=pair.interval(plan.reach(look, 0.05, 2)),
        p_alone=pair.p,
        n=len(before),
        gained=gained,
        lost=lost,
        look=look,
        plan=plan,
        verdict=verdict,
        within=within,
        method=f"{pair.method}, repeated interval at look {look} of {len(plan.ends)}",
    )


class _RightWrong:
    method = "McNemar exact, Tango interval"

    def __init__(self, gained: int, lost: int, n: int) -> None:
        self._counts = gained, lost, n
        self.delta = (gained - lost) / n
        self.p = mcnemar(gained, lost)

    def interval(self, z: float, *, at_zero: bool = True) -> Interval:
        from scipy.special import ndtr

        if math.isinf(z):
            return -1.0, 1.0
        low, high = tango_reaching(*self._counts, z)
        if at_zero and self.p > 2 * float(ndtr(-z)):
            low, high = min(low, 0.0), max(high, 0.0)
        return low, high


class _Graded:
    def __init__(self, before: np.ndarray, after: np.ndarray, clusters: Any | None) -> None:
        from scipy.special import stdtr

        differences = after - before
        n = len(differences)
        clusters = np.arange(n) if clusters is None else clusters
        both = np.concatenate([before, after])
        # No difference of means is beyond this: an interval without bounds stands for it.
        self._span = max(1.0, float(np.ptp(both)))
        self.delta = float(differences.mean())
        self.method = "paired t"
        error, count = clustered_error(differences, clusters)
        if count < n:
            self.method += " over clusters"
        if error == 0 or bool(np.all((both == 0) | (both == 1))):
            # Items of which none changed are no proof that none would: one cluster's worth of
            # disagreement among two clusters more, as Agresti and Min (2005) do for pairs.
            error = max(error, self._span / math.sqrt(count * (count + 2)))
        self._error, self._freedom = error, max(1, count - 1)
        self.p = 2 * float(stdtr(self._freedom, -abs(self.delta) / self._error))

    def interval(self, z: float, *, at_zero: bool = True) -> Interval:
        half = t_quantile_of(self._freedom, z) * self._error
        half = min(half, 2 * self._span) if math.isfinite(half) else 2 * self._span
        return max(-self._span, self.delta - half), min(self._span, self.delta + half)


_Pair = _RightWrong | _Graded
