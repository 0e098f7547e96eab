"""Lines over a grid with their names at their right ends, where a reader looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report.figures.leaderboard_axes import Axis
from workbench.report.figures.leaderboard_marks import group_mark
from workbench.report.figures.svg import percent, stretched, tag

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
    """The places nearest the ``wanted`` ones that keep their order, ``gap`` and ``low``–``high``.

    Nearest in squares: names that would touch move apart around their common middle (pool adjacent
    violators). Where they do not all fit they stand evenly over the whole room.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    if len(order) > 1 and (len(order) - 1) * gap > high - low:
        gap = (high - low) / (len(order) - 1)
    # With the gaps taken off, places need only not to fall: pools of equal ones at their means.
    pools: list[tuple[float, int]] = []
    for position, index in enumerate(order):
        total, size = wanted[index] - position * gap, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / size:
            before, many = pools.pop()
            total, size = total + before, size + many
        pools.append((total, size))
    even = [total / size for total, size in pools for _ in range(size)]
    most = high - (len(order) - 1) * gap
    result = [0.0] * len(wanted)
    for position, index in enumerate(order):
        result[index] = min(max(even[position], low), most) + position * gap
    return result


def _grid(across: Axis, upwards: Axis, height: int) -> list[Markup]:
    parts = []
    for place, text, zero in upwards.ticks:
        y = percent(1 - place)
        style = "zero" if zero else "grid"
        parts.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_=style))
        parts.append(tag("text", text, x=-8, y=y, dy=4, class_="tick end"))
    for index, (place, text, zero) in enumerate(across.ticks):
        x = percent(place)
        style = "zero" if zero else "grid"
        parts.append(tag("line", x1=x, x2=x, y1=0, y2="100%", class_=style))
        # Every other label goes where the figure is narrow.
        kind = "tick every-other" if index % 2 else "tick"
        parts.append(tag("text", text, x=x, y=height + 16, class_=kind))
    return parts


def _line(curve: Curve, across: Axis, upwards: Axis) -> Markup:
    d = "M" + "L".join(
        f"{1000 * across.at(x):.1f} {1000 * (1 - upwards.at(y)):.1f}" for x, y in curve.points
    )
    return stretched(d, f"trace {curve.style}")


def _band(curve: Curve, across: Axis, upwards: Axis) -> Markup:
    top = [(x, high) for x, _, high in curve.band]
    bottom = [(x, low) for x, low, _ in reversed(curve.band)]
    d = "M" + "L".join(
        f"{1000 * across.at(x):.1f} {1000 * (1 - upwards.at(y)):.1f}" for x, y in [*top, *bottom]
    )
    return stretched(d + "Z", f"band {curve.style}")


def _names(curves: Sequence[Curve], upwards: Axis, height: int) -> list[Markup]:
    """The names at the right edge, each with a thread to its own line."""
    named = [curve for curve in curves if curve.name]
    ends = [height * (1 - upwards.at(curve.points[-1][1])) for curve in named]
    places = apart(ends, LINE, 4, height - 4)
    parts = []
    for curve, end, place in zip(named, ends, places, strict=True):
        thread = tag("path", d=f"M-4 {end:.1f}L7 {place:.1f}", class_=f"thread {curve.style}")
        name = tag("text", curve.name, x=10, y=f"{place:.1f}", dy=4, class_=f"at {curve.style}")
        parts.append(
            tag("svg", thread, name, x="100%", y=0, overflow="visible", width="1", height="1")
        )
    return parts
