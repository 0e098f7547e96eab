"""One row of a plot: every model a dot, the group's value as a mark, its 95% interval a line."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.report.figures.axis import Scale, finite, tick_text
from workbench.report.figures.leaderboard_marks import group_class, group_mark
from workbench.report.figures.svg import percent, tag
from workbench.report.leaderboard_read import Ends

HEIGHT = 34
CAP = 4
#: More dots than this are drawn without hover words.
MOST_DOTS = 60
#: Dots lie in so many lanes, so that equal values do not hide each other.
LANES = (0, -6, 6, -3, 3, -9, 9)


def axis(scale: Scale, *, sign: bool = True) -> Markup:
    """The ticks' labels, for the head of the column."""
    # Where there is little room a style sheet may hide every other label, never that of zero.
    kept = scale.ticks.index(0.0) % 2 if 0.0 in scale.ticks else 0
    labels = [
        tag(
            "text",
            tick_text(tick, sign=sign),
            x=percent(scale.at(tick)),
            y=14,
            class_="tick" if index % 2 == kept else "tick every-other",
        )
        for index, tick in enumerate(scale.ticks)
    ]
    return tag("svg", *labels, class_="strip axis", height=20, aria_hidden="true")


def row(
    value: float | None,
    ci95: Ends,
    scale: Scale,
    words: str,
    *,
    chinese: bool | None = None,
    style: str = "",
    dots: Sequence[tuple[float, str]] = (),
    joined: tuple[float | None, float | None] = (None, None),
    widest: Ends = (None, None),
    height: int = HEIGHT,
) -> Markup:
    """A value with its interval. ``joined``: the values of the rows above and below it.

    ``dots`` are (value, hover words); ``style`` replaces the group's colours; ``widest`` is a
    second interval, drawn thin.
    """
    name = style or group_class(chinese)
    middle = height / 2
    parts = [tag("title", words), grid(scale, height)]
    parts += _dots(dots, scale, height, name)
    if value is not None:
        parts += _joints(value, joined, scale, height)
        if None not in widest:
            low, high = (percent(scale.at(end)) for end in finite(widest))
            parts.append(tag("line", x1=low, x2=high, y1=middle, y2=middle, class_="widest"))
        parts.append(whisker(scale, ci95, name, middle))
        mark = group_mark(chinese, scale.at(value), middle, data_value=repr(value))
        if style:
            mark = tag(
                "svg",
                tag("circle", r=5, class_=f"mark {style}", data_value=repr(value)),
                x=percent(scale.at(value)), y=middle, overflow="visible", width="1", height="1",
            )  # fmt: skip
        parts.append(mark)
    return tag("svg", *parts, class_="strip", height=height, role="img", aria_label=words)


def _dots(dots: Sequence[tuple[float, str]], scale: Scale, height: int, style: str) -> list[Markup]:
    ordered = sorted(dots, key=lambda dot: dot[0])
    places = [
        (scale.at(value), height / 2 + LANES[index % len(LANES)] * height / HEIGHT, said)
        for index, (value, said) in enumerate(ordered)
    ]
    if len(places) > MOST_DOTS:
        d = "".join(f"M{1000 * x:.1f} {y:g}h0" for x, y, _ in places)
        shape = tag("path", d=d, class_=f"models {style}")
        return [tag("svg", shape, viewBox=f"0 0 1000 {height}", preserveAspectRatio="none",
                    width="100%", height=height)]  # fmt: skip
    return [
        tag("circle", tag("title", said), cx=percent(x), cy=f"{y:g}", r=2.2,
            class_=f"model {style}")
        for x, y, said in places
    ]  # fmt: skip


def share_bar(part: float, whole: float, words: str, style: str = "bar") -> Markup:
    """A count as a bar, the whole filling the row."""
    share = part / whole if whole > 0 else 0.0
    width = percent(min(1.0, max(0.0, share)))
    return tag(
        "svg",
        tag("title", words),
        tag("rect", x=0, y=7, height=10, width=width, class_=style, data_value=repr(part)),
        class_="strip", height=24, role="img", aria_label=words,
    )  # fmt: skip


def _joints(
    value: float, joined: tuple[float | None, float | None], scale: Scale, height: int
) -> list[Markup]:
    """Half of the line to each neighbour: the other half is drawn in the neighbour's row."""
    parts = []
    for other, edge in zip(joined, (0, height), strict=True):
        if other is not None:
            meet = percent((scale.at(value) + scale.at(other)) / 2)
            parts.append(
                tag("line", x1=percent(scale.at(value)), x2=meet, y1=height / 2, y2=edge,
                    class_="joint")
            )  # fmt: skip
    return parts


def grid(scale: Scale, height: int) -> Markup:
    """Upright lines at the ticks, a darker one at zero."""
    return Markup("").join(
        tag("line", x1=x, x2=x, y1=0, y2=height, class_="grid" if tick else "zero")
        for tick, x in ((tick, percent(scale.at(tick))) for tick in scale.ticks)
    )


def whisker(scale: Scale, ci95: Ends, style: str, middle: float) -> Markup:
    """A line with caps; an end beyond the scale gets an arrowhead instead."""
    ends = finite(ci95)
    if len(ends) != 2:
        return Markup("")
    low, high = (percent(scale.at(end)) for end in ends)
    lines = [tag("line", x1=low, x2=high, y1=middle, y2=middle)]
    for x, out, way in (
        (low, ends[0] < scale.low, 1),
        (high, ends[1] > scale.high, -1),
    ):
        if not out:
            lines.append(tag("line", x1=x, x2=x, y1=middle - CAP, y2=middle + CAP))
            continue
        head = tag("path", d=f"M{way * CAP}-{CAP}L0 0L{way * CAP} {CAP}", class_="beyond")
        lines.append(tag("svg", head, x=x, y=middle, overflow="visible", width="1", height="1"))
    return tag("g", *lines, class_=f"whisker {style}")
