"""Before and after: every base a line from one to the other, each side's mean a strong one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import nice, tick_text
from workbench.report.figures.leaderboard_marks import group_class, group_mark
from workbench.report.figures.leaderboard_plane import LINE, apart
from workbench.report.figures.svg import percent, stretched, tag

HEIGHT = 260
#: Where the two columns stand.
BEFORE, AFTER = 0.08, 0.92


@dataclass(frozen=True)
class Slope:
    """One line, in points; ``mean`` is that of a side and bears its name."""

    name: str
    asked: bool | None
    before: float
    after: float
    mean: bool = False


def slopes(lines: Sequence[Slope], label: str) -> Markup | None:
    """The lines, means on top; ``None`` where there is none."""
    if not lines:
        return None
    scale = nice(
        min(min(line.before, line.after) for line in lines),
        max(max(line.before, line.after) for line in lines),
    )

    def up(value: float) -> float:
        return 1 - scale.at(value)

    parts = []
    for tick in scale.ticks:
        y = percent(up(tick))
        parts.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(tag("text", tick_text(tick), x=-8, y=y, dy=4, class_="tick end"))
    for place, word in ((BEFORE, "before"), (AFTER, "after")):
        parts.append(
            tag("line", x1=percent(place), x2=percent(place), y1=0, y2="100%", class_="grid")
        )
        parts.append(tag("text", word, x=percent(place), y=HEIGHT + 16, class_="tick"))
    for line in sorted(lines, key=lambda line: line.mean):
        style = f"trace {group_class(line.asked)}" + (" mean" if line.mean else " single-base")
        d = f"M{1000 * BEFORE:g} {1000 * up(line.before):.1f}"
        parts.append(stretched(f"{d}L{1000 * AFTER:g} {1000 * up(line.after):.1f}", style))
    for line in sorted(lines, key=lambda line: line.mean):
        parts += _ends(line, up(line.before), up(line.after))
    parts += _names([line for line in lines if line.mean], [up(x.after) for x in lines if x.mean])
    return tag("svg", *parts, class_="plane", height=HEIGHT, role="img", aria_label=label)


def _ends(line: Slope, before: float, after: float) -> list[Markup]:
    words = (
        f"{line.name}: {numbers.points(line.before)} before, {numbers.points(line.after)} after, "
        f"{numbers.points(line.after - line.before, sign=True)}"
    )
    places = ((BEFORE, before), (AFTER, after))
    if line.mean:
        return [group_mark(line.asked, x, percent(y), tag("title", words)) for x, y in places]
    return [
        tag("circle", tag("title", words), cx=percent(x), cy=percent(y), r=2.4,
            class_=f"model {group_class(line.asked)}")
        for x, y in places
    ]  # fmt: skip


def _names(means: Sequence[Slope], after: Sequence[float]) -> list[Markup]:
    places = apart([HEIGHT * y for y in after], LINE, 4, HEIGHT - 4)
    parts = []
    for line, place in zip(means, places, strict=True):
        text = tag("text", line.name, x=6, y=f"{place:.1f}", dy=4,
                   class_=f"at {group_class(line.asked)}")  # fmt: skip
        parts.append(tag("svg", text, x="96%", y=0, overflow="visible", width="1", height="1"))
    return parts
