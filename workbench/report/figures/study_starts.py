"""Gain against the score before, by side, with parallel lines: what "at equal start" compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import nice
from workbench.report.figures.leaderboard_axes import linear
from workbench.report.figures.leaderboard_marks import group_class
from workbench.report.figures.leaderboard_plane import Curve, Spot, plane

HEIGHT = 260


@dataclass(frozen=True)
class Start:
    """One base, in points."""

    base: str
    asked: bool | None
    before: float
    gain: float


def starts(bases: Sequence[Start], names: dict[bool, str], label: str) -> Markup | None:
    """The bases and a line a side through its mean; ``None`` with fewer than three bases.

    The slope is the one common to both sides (pooled within them), so the lines' distance is the
    difference of gains from an equal start.
    """
    if len(bases) < 3:
        return None
    across = nice(min(b.before for b in bases), max(b.before for b in bases))
    slope = common_slope(bases)
    ends = (min(b.before for b in bases), max(b.before for b in bases))
    curves: list[Curve] = []
    for asked in (True, False, None):
        mine = [b for b in bases if b.asked is asked]
        if not mine:
            continue
        spots = [
            Spot(b.before, b.gain, f"{b.base}: {numbers.points(b.before)} before, gain "
                 f"{numbers.points(b.gain, sign=True)}")
            for b in mine
        ]  # fmt: skip
        name = "" if asked is None else names.get(asked, "")
        curves.append(Curve(name, _line(mine, slope, ends), group_class(asked), asked, spots))
    drawn = [b.gain for b in bases] + [y for curve in curves for _, y in curve.points]
    upwards = nice(min(0.0, *drawn), max(0.0, *drawn))
    return plane(curves, linear(across), linear(upwards, sign=True), label, height=HEIGHT)


def common_slope(bases: Sequence[Start]) -> float | None:
    """The slope of gain on the start within sides, by least squares; ``None`` if starts are one."""
    top = bottom = 0.0
    for asked in (True, False, None):
        mine = [b for b in bases if b.asked is asked]
        if mine:
            start = sum(b.before for b in mine) / len(mine)
            gain = sum(b.gain for b in mine) / len(mine)
            top += sum((b.before - start) * (b.gain - gain) for b in mine)
            bottom += sum((b.before - start) ** 2 for b in mine)
    return top / bottom if bottom > 1e-9 else None


def _line(
    mine: Sequence[Start], slope: float | None, ends: tuple[float, float]
) -> list[tuple[float, float]]:
    """Through the mean of ``mine`` from the lowest start of all bases to the highest."""
    start = sum(b.before for b in mine) / len(mine)
    gain = sum(b.gain for b in mine) / len(mine)
    if slope is None:
        return [(start, gain)]
    return [(x, gain + slope * (x - start)) for x in ends]
