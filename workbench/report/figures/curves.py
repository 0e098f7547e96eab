"""Training curves: the loss a step, one panel an output, one line a seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, finite, nice, tick_text
from workbench.report.figures.svg import percent, stretched, tag
from workbench.report.results import Entry

HEIGHT = 150
#: More points than this are thinned: a panel is some 400 pixels wide.
MOST_POINTS = 200
#: Up to so many points each gets a dot to hover over.
MOST_DOTS = 80
LINE_STYLES = 6


@dataclass(frozen=True)
class Line:
    """The losses of one seed."""

    seed: int | None
    points: tuple[tuple[float, float], ...]


def lines_of(entries: Iterable[Entry]) -> list[Line]:
    """The curves in the records of an output's entries; rows without step or loss are left out."""
    lines = []
    for entry in entries:
        curve = entry.record.get("curve")
        rows = curve if isinstance(curve, list) else []
        pairs = [(row.get("step"), row.get("loss")) for row in rows if isinstance(row, dict)]
        points = tuple(
            (float(step), float(loss))
            for step, loss in pairs
            if isinstance(step, int | float)
            and isinstance(loss, int | float)
            and len(finite([step, loss])) == 2
        )
        if points:
            lines.append(Line(entry.seed, points))
    return lines


def loss_scale(lines: Sequence[Line]) -> Scale:
    """One scale for all panels of a training method, so that they can be compared by eye."""
    losses = [loss for line in lines for _, loss in line.points]
    return nice(min(0.0, *losses), max(losses)) if losses else nice(0, 1)


def curve_panel(name: str, lines: Sequence[Line], losses: Scale) -> Markup:
    """The panel of one output."""
    steps = nice(0, max(step for line in lines for step, _ in line.points))
    drawn: list[Markup] = [_grid(losses, steps)]
    for index, line in enumerate(lines):
        points = _thin(line.points)
        style = f"line-{index % LINE_STYLES}"
        d = "M" + "L".join(
            f"{1000 * steps.at(x):.1f} {1000 * (1 - losses.at(y)):.1f}" for x, y in points
        )
        drawn.append(stretched(d, f"curve {style}"))
        dots = points if len(points) <= MOST_DOTS else (points[0], points[-1])
        drawn += [_dot(line, x, y, steps, losses, style) for x, y in dots]
    ends = ", ".join(
        f"{numbers.score(line.points[0][1])} to {numbers.score(line.points[-1][1])}"
        for line in lines
    )
    return tag(
        "svg",
        *drawn,
        class_="curves",
        height=HEIGHT,
        role="img",
        aria_label=f"Training loss of {name}: from {ends}",
    )


def _dot(line: Line, x: float, y: float, steps: Scale, losses: Scale, style: str) -> Markup:
    seed = "" if line.seed is None else f"seed {line.seed}, "
    return tag(
        "circle",
        tag("title", f"{seed}step {x:g}: loss {y!r}"),
        cx=percent(steps.at(x)),
        cy=percent(1 - losses.at(y)),
        r=2.6,
        class_=f"dot {style}",
    )


def _grid(losses: Scale, steps: Scale) -> Markup:
    rows = [
        tag("line", x1="0", x2="100%", y1=percent(y), y2=percent(y), class_="grid")
        + tag("text", tick_text(loss), x=-8, y=percent(y), dy=4, class_="tick end")
        for loss, y in ((loss, 1 - losses.at(loss)) for loss in losses.ticks)
    ]
    columns = [
        tag("text", tick_text(step), x=percent(steps.at(step)), y=HEIGHT + 16, class_="tick")
        for step in steps.ticks
    ]
    return Markup("").join([*rows, *columns])


def _thin(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(points) <= MOST_POINTS:
        return points
    last = len(points) - 1
    return tuple(points[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS))
