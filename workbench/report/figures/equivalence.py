"""One row of a reproduction: the difference, its two intervals, and the margin as a band."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from workbench.report.figures.axis import TINY, Scale, finite, nice, tick_text
from workbench.report.figures.svg import percent, tag
from workbench.report.reproductions import Ends, Figure

HEIGHT = 34
MIDDLE = HEIGHT / 2
CAP = 4
#: The shape of each verdict's mark, about 10 wide around (0, 0): a disc, a cross, a ring.
SHAPES = {
    "reproduced": "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
    "not reproduced": (
        "M-5-2.2L-2.2-5L0-2.8L2.2-5L5-2.2L2.8 0L5 2.2L2.2 5L0 2.8L-2.2 5L-5 2.2L-2.8 0Z"
    ),
    "cannot tell": "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
}
WORDS = {"reproduced": "✓", "not reproduced": "✗", "cannot tell": "?"}
STYLES = {"reproduced": "same", "not reproduced": "other", "cannot tell": "open"}


def scale(margin: float, ends: Iterable[float | None]) -> Scale:
    """Symmetric around zero, the margin inside it."""
    reach = max([1.25 * margin, *(abs(end) for end in finite(ends)), TINY])
    return nice(-reach, reach, 4)


def axis(along: Scale) -> Markup:
    """The ticks' labels, for the head of the column of strips."""
    labels = [
        tag("text", tick_text(tick, sign=True), x=percent(along.at(tick)), y=14, class_="tick")
        for tick in along.ticks
    ]
    return tag("svg", *labels, class_="strip axis", height=20, aria_hidden="true")


def strip(figure: Figure, margin: float, along: Scale, words: str) -> Markup:
    """The difference ours minus theirs; ``words`` say in full what is drawn."""
    left, right = along.at(-margin), along.at(margin)
    parts = [
        tag("title", words),
        tag("rect", x=percent(left), y=2, width=percent(right - left), height=HEIGHT - 4,
            class_="margin-band"),
        *(
            tag("line", x1=percent(x), x2=percent(x), y1=2, y2=HEIGHT - 2, class_="margin-edge")
            for x in (left, right)
        ),
        *_zero(along),
    ]  # fmt: skip
    if figure.known and figure.difference is not None:
        style = STYLES[figure.verdict]
        parts += [
            _line(along, figure.ci95, f"wide {style}"),
            _line(along, figure.ci90, f"narrow {style}"),
            _mark(figure, along.at(figure.difference), style),
        ]
    return tag("svg", *parts, class_="strip", height=HEIGHT, role="img", aria_label=words)


def _zero(along: Scale) -> list[Markup]:
    x = percent(along.at(0.0))
    return [tag("line", x1=x, x2=x, y1=0, y2=HEIGHT, class_="zero")]


def _line(along: Scale, ends: Ends, style: str) -> Markup:
    found = finite(ends)
    if len(found) != 2:
        return Markup("")
    low, high = (percent(along.at(end)) for end in found)
    lines = [tag("line", x1=low, x2=high, y1=MIDDLE, y2=MIDDLE)]
    if style.startswith("wide"):
        lines += [tag("line", x1=x, x2=x, y1=MIDDLE - CAP, y2=MIDDLE + CAP) for x in (low, high)]
    return tag("g", *lines, class_=f"held {style}")


def _mark(figure: Figure, x: float, style: str) -> Markup:
    shape = tag(
        "path",
        d=SHAPES[figure.verdict],
        class_=f"mark {style}",
        data_value=repr(figure.difference),
    )
    return tag("svg", shape, x=percent(x), y=MIDDLE, overflow="visible", width="1", height="1")
