"""Intervals carried through the points formula: sums of floors taken off and clipped at 0.

Each part has its own interval, and a sum's is made from its parts' by their distances: the method
of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702), which
keeps the parts' asymmetry. The clip makes the sum larger than what it estimates where parts lie
near their floors (of a model that guesses, half the parts land above by luck). The lower limit is
therefore counted from the sum before the clip, which is never too large; the upper one from the
clipped sum. Above the floors the two are one, and a part whose whole interval lies below its floor
counts as the 0 that it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Carried:
    """A figure in points with what its interval is made of.

    ``value`` is the figure; the interval reaches from ``low_from - down`` to ``high_from + up``.
    """

    value: float
    low_from: float
    high_from: float
    down: float
    up: float

    @property
    def interval(self) -> tuple[float, float]:
        """The limits, not yet kept within the scale."""
        return self.low_from - self.down, self.high_from + self.up


def clipped(x: float, low: float, high: float) -> Carried:
    """A part at ``x`` points before the clip, with its interval before the clip."""
    if high <= 0:
        return Carried(0.0, 0.0, 0.0, 0.0, 0.0)
    value = max(0.0, x)
    return Carried(value, x, value, x - low, max(0.0, high) - value)


@dataclass(frozen=True)
class Unclipped:
    """A part's points before the clip, with their limits."""

    value: float
    low: float
    high: float


def clipped_difference(ours: Unclipped, theirs: Unclipped, low: float, high: float) -> Carried:
    """A part's difference between two models; ``low`` and ``high`` are its limits before the clip.

    The clip takes from a difference what lies below the floor, which depends on where the two lie:
    the limits are those of the least favourable place within their own.
    """
    surely_zero = [part.high <= 0 for part in (ours, theirs)]
    if all(surely_zero):
        return Carried(0.0, 0.0, 0.0, 0.0, 0.0)
    gap = ours.value - theirs.value
    clips = [max(0.0, part.value) for part in (ours, theirs)]
    # What may stand in the sum before the clip: the figure itself, or 0 where it is surely that.
    before = [
        0.0 if zero else part.value for zero, part in zip(surely_zero, (ours, theirs), strict=True)
    ]
    low_from, high_from = before[0] - clips[1], clips[0] - before[1]
    below, above = low < 0, high > 0
    least = min(
        _left_by_clip(theirs.high if below else theirs.low, low),
        -_left_by_clip(ours.high if below else ours.low, -low),
    )
    most = max(
        _left_by_clip(theirs.high if above else theirs.low, high),
        -_left_by_clip(ours.high if above else ours.low, -high),
    )
    return Carried(
        clips[0] - clips[1],
        low_from,
        high_from,
        max(gap - low, low_from - least),
        max(high - gap, most - high_from),
    )


def _left_by_clip(start: float, difference: float) -> float:
    """What the clip leaves of a difference from ``start``."""
    return max(0.0, start + difference) - max(0.0, start)


def mean(parts: Sequence[Carried]) -> Carried:
    """The plain mean of independent figures."""
    k = len(parts)
    return Carried(
        sum(part.value for part in parts) / k,
        sum(part.low_from for part in parts) / k,
        sum(part.high_from for part in parts) / k,
        math.hypot(*(part.down for part in parts)) / k,
        math.hypot(*(part.up for part in parts)) / k,
    )
