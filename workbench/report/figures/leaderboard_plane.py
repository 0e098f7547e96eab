"""Lines over a grid with their names at their right ends, where a reader looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report.figures.leaderboard_axes import Axis
from workbench.report.figures.leaderboard_marks import group_mark
from workbench.report.figures.svg import percent, tag

#: Pixels between two names at the right edge, one below the other.
LINE = 14.0


@dataclass(frozen=True)
class Spot:
    """A mark on a line and what it says on hover."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Curve:
    """A line through data coordinates. ``band`` holds (x, low, high) of its interval."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str
    chinese: bool | None = None
    spots: Sequence[Spot] = ()
    band: Sequence[tuple[float, float, float]] = ()


def plane(
    curves: Sequence[Curve],
    across: Axis,
    upwards: Axis,
    label: str,
    *,
    height: int,
    over: Sequence[Markup] = (),
) -> Markup:
    """The curves; names stand at the right, moved apart where they would touch."""
    drawn = [curve for curve in curves if curve.points]
    parts = [*_grid(across, upwards, height)]
    parts += [_band(curve, across, upwards) for curve in drawn if curve.band]
    parts += [_line(curve, across, upwards) for curve in drawn]
    for curve in drawn:
        parts += [
            group_mark(
                curve.chinese,
                across.at(spot.x),
                percent(1 - upwards.at(spot.y)),
                tag("title", spot.words),
            )
            for spot in curve.spots
        ]
    parts += [*_names(drawn, upwards, height), *over]
    return tag("svg", *parts, class_="plane", height=height, role="img", aria_label=label)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the ``wanted`` ones, in their order, ``gap`` apart and within ``low``–``high``.

    Where they do not all fit they stand evenly over the whole room.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    if len(order) > 1 and (len(order) - 1) * gap > high - low:
        gap = (high - low) / (len(order) - 1)
    placed: list[float] = []
    for index in order:
        floor = placed[-1] + gap if placed else low
        placed.append(max(floor, wanted[index]))
    ceiling = high
    for position in range(len(placed) - 1, -1, -1):
        placed[position] = min(placed[position], ceiling)
        ceiling = placed[position] - gap
    result = [0.0] * len(wanted)
    for index, place in zip(order, placed, strict=True):
        result[index] = place
    return result


def _grid(across: Axis, upwards: Axis, height: int) -> list[Markup]:
    parts = []
    for place, text, zero in upwards.ticks:
        y = percent(1 - place)
        style = "zero" if zero else "grid"
        parts.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_=style))
        parts.append(tag("text", text, x=-8, y=y, dy=4, class_="tick end"))
    for place, text, zero in across.ticks:
        x = percent(place)
        style = "zero" if zero else "grid"
        parts.append(tag("line", x1=x, x2=x, y1=0, y2="100%", class_=style))
        parts.append(tag("text", text, x=x, y=height + 16, class_="tick"))
    return parts


def _stretched(d: str, style: str) -> Markup:
    return tag(
        "svg",
        tag("path", d=d, class_=style),
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def _line(curve: Curve, across: Axis, upwards: Axis) -> Markup:
    d = "M" + "L".join(
        f"{1000 * across.at(x):.1f} {1000 * (1 - upwards.at(y)):.1f}" for x, y in curve.points
    )
    return _stretched(d, f"trace {curve.style}")


def _band(curve: Curve, across: Axis, upwards: Axis) -> Markup:
    top = [(x, high) for x, _, high in curve.band]
    bottom = [(x, low) for x, low, _ in reversed(curve.band)]
    d = "M" + "L".join(
        f"{1000 * across.at(x):.1f} {1000 * (1 - upwards.at(y)):.1f}" for x, y in [*top, *bottom]
    )
    return _stretched(d + "Z", f"band {curve.style}")


def _names(curves: Sequence[Curve], upwards: Axis, height: int) -> list[Markup]:
    ends = [height * (1 - upwards.at(curve.points[-1][1])) for curve in curves]
    places = apart(ends, LINE, 4, height - 4)
    return [
        tag("text", curve.name, x="100%", dx=8, y=f"{place:.1f}", dy=4, class_=f"at {curve.style}")
        for curve, place in zip(curves, places, strict=True)
        if curve.name
    ]
