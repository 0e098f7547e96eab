"""Cells of a map: one outline a colour rather than one an element, so that 3,241 stay light."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from workbench.report.figures.axis import finite, tick_text
from workbench.report.figures.scan_colour import ARM, step_class, step_of
from workbench.report.figures.svg import percent, tag

#: A cell's column and row.
Cell = tuple[int, int]

#: How many cells along a side keep a number at each.
MOST_TICKS = 12


@dataclass(frozen=True)
class Cells:
    """What a map shows: gains over the base by cell, and what is marked.

    ``rings`` go around cells (class -> cell), ``stars`` are held-out-confirmed winners.
    """

    columns: int
    rows: int
    gains: Mapping[Cell, float]
    overflowed: frozenset[Cell] = frozenset()
    rings: Mapping[str, Cell] = field(default_factory=dict)
    stars: frozenset[Cell] = frozenset()
    tall: int = 1
    """How much higher than wide a cell is drawn: many columns and few rows need it."""


def colour_limit(gains: Iterable[float], half_widths: Iterable[float | None] = ()) -> float:
    """Which gain or loss gets the darkest colour; the scale is symmetric around the base.

    Losses are often ten times the best gain and would wash it out: the scale ends at 2.5 times the
    best gain where the ninth decile of all differences lies further out. Lest noise look bold it
    never ends before the median difference, nor before the usual interval's half width.
    """
    drawn = list(gains)
    if not any(drawn):
        return 1.0
    sizes = sorted(abs(gain) for gain in drawn)
    most = sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))] or sizes[-1]
    best = max(0.0, *drawn)
    usual = max(statistics.median(sizes), statistics.median(finite(half_widths) or [0.0]))
    return max(best, min(most, max(2.5 * best, usual))) or most


def drawing(cells: Cells, limit: float, label: str, *outline: Markup) -> Markup:
    """The cells with x to the right and y downwards from the origin at the top left."""
    by_step: dict[int, list[Cell]] = {}
    for cell, gain in cells.gains.items():
        by_step.setdefault(step_of(gain, limit), []).append(cell)
    tall = cells.tall
    marks = max(cells.columns, cells.rows * tall) / 60
    return tag(
        "svg",
        *outline,
        *(
            tag("path", d=squares(by_step[step], tall), class_=step_class(step))
            for step in sorted(by_step)
        ),
        _hatch(cells.overflowed, tall),
        *(_ring(kind, cell, tall, max(0.42, marks)) for kind, cell in cells.rings.items()),
        *(_star(cell, tall, max(0.3, marks * 0.8)) for cell in sorted(cells.stars)),
        tag("rect", x=-9, y=-9, width=1, height=tall, class_="cursor"),
        class_="cells",
        viewBox=f"0 0 {cells.columns} {cells.rows * tall}",
        width="100%",
        role="img",
        aria_label=label,
    )


def squares(cells: Iterable[Cell], tall: int = 1) -> str:
    """One outline around cells, those beside each other in a row drawn as one."""
    runs: list[list[int]] = []
    for y, x in sorted((y, x) for x, y in cells):
        if runs and runs[-1][1] == y and runs[-1][0] + runs[-1][2] == x:
            runs[-1][2] += 1
        else:
            runs.append([x, y, 1])
    return "".join(f"M{x} {y * tall}h{width}v{tall}h-{width}z" for x, y, width in runs)


def _hatch(cells: frozenset[Cell], tall: int) -> Markup:
    if not cells:
        return Markup("")
    d = "".join(
        f"M{x} {y + 1}l1-1m-1 .5l.5-.5m0 1l.5-.5"
        for x, row in sorted(cells)
        for y in range(row * tall, (row + 1) * tall)
    )
    # The halo keeps the lines visible on the darkest colours.
    return tag("path", d=d, class_="hatch-halo") + tag("path", d=d, class_="hatch")


def _ring(kind: str, cell: Cell, tall: int, radius: float) -> Markup:
    place = {"cx": cell[0] + 0.5, "cy": (cell[1] + 0.5) * tall, "r": f"{radius:.3g}"}
    return tag("circle", class_="ring-halo", **place) + tag(
        "circle", class_=f"ring {kind}", **place
    )


def _star(cell: Cell, tall: int, radius: float) -> Markup:
    x, y, waist = cell[0] + 0.5, (cell[1] + 0.5) * tall, 0.3 * radius
    corners = [(0, -radius), (waist, -waist), (radius, 0), (waist, waist), (0, radius),
               (-waist, waist), (-radius, 0), (-waist, -waist)]  # fmt: skip
    d = "M" + "L".join(f"{x + dx:.3f} {y + dy:.3f}" for dx, dy in corners) + "Z"
    return tag("path", d=d, class_="star")


def tick_values(count: int, first: int = 0) -> list[int]:
    """Which of ``count`` cells, numbered from ``first``, bear their number."""
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100) if count / s <= MOST_TICKS), 1000)
    return [value for value in range(first, first + count) if value % step == 0]


def column_ticks(count: int, first: int = 0) -> Markup:
    """Numbers below the columns."""
    labels = [
        tag("text", str(value), x=percent((value - first + 0.5) / count), y=14, class_="tick")
        for value in tick_values(count, first)
    ]
    return tag("svg", *labels, class_="strip", height=18, aria_hidden="true")


def row_ticks(count: int, first: int = 0) -> Markup:
    """Numbers beside the rows."""
    labels = [
        tag("text", str(value), x="100%", dx=-6, dy=4, y=percent((value - first + 0.5) / count),
            class_="tick end")
        for value in tick_values(count, first)
    ]  # fmt: skip
    return tag("svg", *labels, class_="fill", aria_hidden="true")


def colour_bar(limit: float, unit: str, beyond: int) -> Markup:
    """The colours with their values; ``beyond`` cells lie past the ends."""
    count = 2 * ARM + 1
    bars = [
        tag("rect", x=percent(i / count), width=percent(1.01 / count), y=0, height=12,
            class_=step_class(i - ARM))
        for i in range(count)
    ]  # fmt: skip
    places = ((-limit, 0.5 / count), (-limit / 2, 6.5 / count), (0.0, 0.5),
              (limit / 2, 1 - 6.5 / count), (limit, 1 - 0.5 / count))  # fmt: skip
    labels = [
        tag("text", tick_text(float(f"{value:.2g}"), sign=True), x=percent(at), y=28,
            class_="tick")
        for value, at in places
    ]  # fmt: skip
    past = f"; {beyond} beyond the ends" if beyond else ""
    bar = tag("svg", *bars, *labels, class_="strip colour-bar", height=32, role="img",
              aria_label=f"Colours from {-limit:.2g} (blue) to {limit:.2g} (red), "
              f"{unit}{past}")  # fmt: skip
    words = tag("p", "← worse than the base", class_="bar-end") + tag(
        "p", "better →", class_="bar-end right"
    )
    return tag("div", bar, words, class_="bar-box") + tag("p", f"{unit}{past}", class_="bar-unit")
