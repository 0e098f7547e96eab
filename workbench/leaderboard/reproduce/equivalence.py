"""The test itself: what the interval of a difference says of a margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.leaderboard.reproduce.difference import (
    Measured,
    half_step,
    lift,
    noise_of,
    run_variance,
    sampling_skew,
    sampling_variance,
)
from workbench.leaderboard.reproduce.noise import Noise

Verdict = Literal["reproduced", "not reproduced", "cannot tell"]
Interval = tuple[float, float]

#: Each of the two one-sided tests is at 5%: together they are the 90% interval.
INSIDE = 0.90
#: The verdict against an entry needs the stricter interval.
OUTSIDE = 0.95


@dataclass(frozen=True)
class Difference:
    """Ours against theirs, which is printed to within ``rounding``, and the ``margin``."""

    ours: float
    theirs: float
    rounding: float
    margin: float
    n: int
    of: int
    noise: Noise

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.ours - self.theirs

    def interval(self, level: float) -> Interval:
        """Where the true difference plausibly lies, the rounding included."""
        low, high = self.noise.interval(self.difference, level, self.rounding)
        return float(low), float(high)

    @property
    def verdict(self) -> Verdict:
        """What the intervals say of the margin."""
        if bool(is_inside(self.interval(INSIDE), self.margin)):
            return "reproduced"
        outside = bool(is_outside(self.interval(OUTSIDE), self.margin))
        return "not reproduced" if outside else "cannot tell"


def compare(
    measured: Measured, theirs: float, rounding: float, *, margin: float, flips: float
) -> Difference:
    """Our figure against ``theirs``.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"a margin is more than 0, not {margin}")
    pools = measured.pools
    noise = Noise(
        sampling=[sampling_variance(pool.moments[0], pool.n, pool.of) for pool in pools],
        freedom=[pool.n - 1 for pool in pools],
        skew=sum(sampling_skew(pool.moments[1], pool.n, pool.of) for pool in pools),
        run=sum(run_variance(pool, flips) for pool in pools),
        step=half_step(pools, [pool.n for pool in pools]),
        lift=lift(measured.formula, measured.means, {p.task: noise_of(p, flips) for p in pools}),
    )
    return Difference(measured.value, theirs, rounding, margin, measured.n, measured.of, noise)


def is_inside(ci90: tuple[Any, Any], margin: float) -> Any:
    """Whether both one-sided tests reject: the entry is reproduced. Broadcasts."""
    return (ci90[0] > -margin) & (ci90[1] < margin)


def is_outside(ci95: tuple[Any, Any], margin: float) -> Any:
    """Whether the interval lies wholly beyond the margin: it is not reproduced. Broadcasts."""
    return (ci95[0] > margin) | (ci95[1] < -margin)


def overall(figures: Sequence[Difference], parts: Sequence[Difference]) -> Verdict:
    """The verdict on an entry.

    ``figures`` are all that were compared; ``parts`` are those that are no mean of others, or all
    where nothing but a mean was published.
    """
    if all(each.verdict == "reproduced" for each in parts):
        return "reproduced"
    level = 1 - (1 - OUTSIDE) / len(figures)
    beyond = any(bool(is_outside(each.interval(level), each.margin)) for each in figures)
    return "not reproduced" if beyond else "cannot tell"
