"""The best score to date over time, one staircase a group, and the gap between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import nice
from workbench.report.figures.leaderboard_axes import days, linear
from workbench.report.figures.leaderboard_plane import Curve, Spot, plane


@dataclass(frozen=True)
class Record:
    """A day on which a group's best score rose, and the model that raised it."""

    day: date
    score: float
    name: str


def frontier(
    chinese: Sequence[Record],
    other: Sequence[Record],
    first: date,
    last: date,
    label: str,
    *,
    height: int = 250,
) -> Markup:
    """Both staircases from ``first`` to ``last``; every step's model is told on hover.

    A staircase that began earlier comes in at the height it had by then.
    """
    chinese, other = _since(chinese, first), _since(other, first)
    scores = [record.score for record in (*chinese, *other)]
    across = days(first, last)
    upwards = linear(nice(min(scores), max(scores), 4))
    curves = [
        Curve(
            name,
            steps([(r.day.toordinal(), r.score) for r in records], last.toordinal()),
            style,
            group,
            [
                Spot(r.day.toordinal(), r.score, f"{r.day}: {r.name}, {numbers.points(r.score)}")
                for r in records
                if r.name
            ],
        )
        for name, style, group, records in (
            ("not Chinese", "other", False, other),
            ("Chinese", "chinese", True, chinese),
        )
    ]
    return plane(curves, across, upwards, label, height=height)


def _since(records: Sequence[Record], first: date) -> list[Record]:
    """The records from ``first`` on, led by the one that stood then, without its name."""
    before = [record for record in records if record.day < first]
    since = [record for record in records if record.day >= first]
    return [*(Record(first, record.score, "") for record in before[-1:]), *since]


def gap(points: Sequence[tuple[date, float]], first: date, last: date, label: str) -> Markup | None:
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
