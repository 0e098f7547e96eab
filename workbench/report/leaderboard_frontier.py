"""The frontier over time, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.leaderboard_frontier import Record, frontier, gap
from workbench.report.leaderboard_read import Node

ALL = "all sizes"


@dataclass(frozen=True)
class Panel:
    """One pair of staircases, their gap, and the gap at its last step."""

    title: str
    figure: Markup
    gap: Markup | None
    last: Node
    node: Node


@dataclass(frozen=True)
class Group:
    """Panels that belong together: one axis of time."""

    title: str
    panels: list[Panel]


class FrontierView:
    """By axis of time: both scores over all sizes, and the average by size class."""

    def __init__(self, node: Node, suspects: Node) -> None:
        self.node = node
        odd = {one.entry.words for one in suspects.flagged}
        steps = [
            step.model.words
            for one in node.series
            if one["size"].words == ALL
            for side in (one.chinese, one.other)
            for step in side
        ]
        self.flagged = list(dict.fromkeys(name for name in steps if name in odd))
        found = list(node.series)
        axes = list(dict.fromkeys(one.axis.words for one in found))
        # The day of release first: it spans the longer time.
        axes.sort(key=lambda name: name == "submitted")
        self.groups = [_group(axis, found, overall=True) for axis in axes]
        self.sizes = [_group(axis, found, overall=False) for axis in axes]
        self.groups = [group for group in self.groups if group.panels]
        self.sizes = [group for group in self.sizes if group.panels]


def _group(axis: str, found: list[Node], *, overall: bool) -> Group:
    on_axis = [one for one in found if one.axis.words == axis]
    title = on_axis[0].axis_title.words
    ends = [
        day
        for one in on_axis
        for side in (one.chinese, one.other)
        for step in side
        if (day := _day(step)) is not None
    ]
    if not ends:
        return Group(title, [])
    wanted = [one for one in on_axis if (one["size"].words == ALL) == overall]
    if not overall:
        wanted = [one for one in wanted if one.score.words == "average"]
    panels = [_panel(one, max(ends), overall) for one in wanted]
    return Group(title, [panel for panel in panels if panel is not None])


def _panel(one: Node, last: date, overall: bool) -> Panel | None:
    title = one.score_title.words if overall else one["size"].words
    title = title[:1].upper() + title[1:]
    label = (
        f"Best to date by {one.axis_title.words}, {one.score_title.words}, {one['size'].words}: "
        f"{len(one.chinese)} steps on Chinese bases, {len(one.other)} on others"
    )
    chinese, other = _records(one.chinese), _records(one.other)
    start = _start(chinese, other, last)
    if start is None:
        return None
    drawn = frontier(chinese, other, start, last, label, height=250 if overall else 170)
    gaps = list(one.gap)
    points = [
        (day, value)
        for step in gaps
        if (day := _day(step)) is not None and (value := step.value.number) is not None
    ]
    words = "Gap, Chinese minus other"
    if points:
        words += f": {numbers.points(points[-1][1], sign=True)} points on {points[-1][0]}"
    return Panel(
        title, drawn, gap(points, start, last, words), gaps[-1] if gaps else Node(None), one
    )


def _start(chinese: list[Record], other: list[Record], last: date) -> date | None:
    """Where the picture begins: shortly before both sides have an entry, or at the first of one."""
    firsts = [records[0].day for records in (chinese, other) if records]
    if not firsts:
        return None
    both = max(firsts)
    return max(min(firsts), both - (last - both) / 8)


def _records(steps: Node) -> list[Record]:
    return [
        Record(day, value, step.model.words)
        for step in steps
        if (day := _day(step)) is not None and (value := step.value.number) is not None
    ]


def _day(step: Node) -> date | None:
    try:
        return date.fromisoformat(step.date.words)
    except ValueError:
        return None
