"""Points with intervals on two scales, the ground that a scan's scatter and front share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report.figures.axis import Scale, tick_text
from workbench.report.figures.svg import mark, percent, stretched, tag

Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Point:
    """A point, its intervals (``(None, None)`` for none), its words, and whether it is filled."""

    x: float
    y: float
    x_ci95: Ends
    y_ci95: Ends
    words: str
    filled: bool


def plane(
    points: Iterable[Point],
    across: Scale,
    upwards: Scale,
    label: str,
    line: list[tuple[float, float]],
    *,
    height: int,
    line_class: str,
    signed_x: bool = False,
) -> Markup:
    """The points over a grid, and a line through data coordinates.

    Unless ``signed_x``, x counts something: only whole numbers get a tick.
    """
    parts = [*_grid(across, upwards, height, signed_x)]
    if line:
        d = "M" + "L".join(
            f"{1000 * across.at(x):.1f} {1000 * (1 - upwards.at(y)):.1f}" for x, y in line
        )
        parts.append(stretched(d, line_class))
    for point in points:
        parts += _point(point, across, upwards)
    return tag("svg", *parts, class_="plane", height=height, role="img", aria_label=label)


def _grid(across: Scale, upwards: Scale, height: int, signed_x: bool) -> list[Markup]:
    parts = []
    for tick in upwards.ticks:
        y = percent(1 - upwards.at(tick))
        style = "grid" if tick else "zero"
        parts.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_=style))
        parts.append(tag("text", tick_text(tick, sign=True), x=-8, y=y, dy=4, class_="tick end"))
    ticks = [t for t in across.ticks if signed_x or t == int(t)]
    for tick in ticks:
        x = percent(across.at(tick))
        style = "zero" if signed_x and not tick else "grid"
        parts.append(tag("line", x1=x, x2=x, y1=0, y2="100%", class_=style))
        parts.append(tag("text", tick_text(tick, sign=signed_x), x=x, y=height + 16, class_="tick"))
    return parts


def _point(point: Point, across: Scale, upwards: Scale) -> list[Markup]:
    x, y = across.at(point.x), 1 - upwards.at(point.y)
    style = "held" if point.filled else "sought"
    parts = []
    low, high = point.y_ci95
    if low is not None and high is not None:
        parts.append(
            tag("line", x1=percent(x), x2=percent(x), y1=percent(1 - upwards.at(low)),
                y2=percent(1 - upwards.at(high)), class_=f"reach {style}")
        )  # fmt: skip
    low, high = point.x_ci95
    if low is not None and high is not None:
        parts.append(
            tag("line", x1=percent(across.at(low)), x2=percent(across.at(high)), y1=percent(y),
                y2=percent(y), class_=f"reach {style}")
        )  # fmt: skip
    parts.append(
        mark("finetune", x, percent(y), tag("title", point.words), class_=f"mark {style}",
             data_x=repr(point.x), data_y=repr(point.y))
    )  # fmt: skip
    return parts
