"""The best score to date over time, one staircase a group, and the gap between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, nice
from workbench.report.figures.leaderboard_axes import days, linear
from workbench.report.figures.leaderboard_plane import Curve, Spot, plane


@dataclass(frozen=True)
class Record:
    """A day on which a group's best score rose, and the model that raised it."""

    day: date
    score: float
    name: str


def frontier(
    chinese: Sequence[Record], other: Sequence[Record], last: date, label: str, *, height: int = 250
) -> Markup | None:
    """Both staircases up to ``last``; every step's model is told on hover."""
    if not chinese and not other:
        return None
    both = [*chinese, *other]
    scores = [record.score for record in both]
    across = days(min(record.day for record in both), last)
    upwards = linear(_room(min(scores), max(scores)))
    curves = [
        Curve(
            name,
            steps([(r.day.toordinal(), r.score) for r in records], last.toordinal()),
            style,
            group,
            [
                Spot(r.day.toordinal(), r.score, f"{r.day}: {r.name}, {numbers.points(r.score)}")
                for r in records
            ],
        )
        for name, style, group, records in (
            ("not Chinese", "other", False, other),
            ("Chinese", "chinese", True, chinese),
        )
    ]
    return plane(curves, across, upwards, label, height=height)


def gap(
    points: Sequence[tuple[date, float]], first: date, last: date, label: str
) -> Markup | None:
    """Chinese minus other, day by day: above zero, the Chinese lead."""
    if not points:
        return None
    values = [0.0, *(value for _, value in points)]
    line = steps([(day.toordinal(), value) for day, value in points], last.toordinal())
    band = [(x, min(0.0, y), max(0.0, y)) for x, y in line]
    return plane(
        [Curve("", line, "gap", band=band)],
        days(first, last),
        linear(nice(min(values), max(values), 3), sign=True),
        label,
        height=110,
    )


def steps(points: Sequence[tuple[float, float]], last: float) -> list[tuple[float, float]]:
    """A staircase through the points that holds its last value until ``last``."""
    line: list[tuple[float, float]] = []
    for x, y in points:
        if line:
            line.append((x, line[-1][1]))
        line.append((x, y))
    return [*line, (last, line[-1][1])] if line and line[-1][0] < last else line


def _room(low: float, high: float) -> Scale:
    return nice(low, high, 4)
