"""The anatomy: one small panel a per-layer figure, and how alike the layers' hidden states are."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import MARGIN, finite, nice, tick_text
from workbench.report.figures.scan_cells import column_ticks, row_ticks, squares, tick_values
from workbench.report.figures.scan_colour import RAMP, ramp_of
from workbench.report.figures.svg import percent, stretched, tag

HEIGHT = 92
#: Up to so many layers each point gets a dot to hover over.
MOST_DOTS = 100


def layer_panel(
    name: str, values: Sequence[float | None], block: tuple[int, int] | None
) -> Markup | None:
    """A line over the layers; ``block`` is shaded. A layer without a value leaves a gap."""
    known = finite(values)
    if not known:
        return None
    scale = nice(min(known), max(known), 3)
    count = len(values)
    at = [MARGIN + (1 - 2 * MARGIN) * (layer + 0.5) / count for layer in range(count)]
    half = (1 - 2 * MARGIN) / count / 2
    parts: list[Markup] = []
    if block and 0 <= block[0] < block[1] <= count:
        left, right = at[block[0]] - half, at[block[1] - 1] + half
        parts.append(tag("rect", x=percent(left), width=percent(right - left), y=0,
                         height=HEIGHT, class_="shade"))  # fmt: skip
    for tick in scale.ticks:
        y = percent(1 - scale.at(tick))
        parts.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(tag("text", tick_text(tick), x=-6, y=y, dy=4, class_="tick end"))
    for layer in tick_values(count):
        parts.append(tag("text", str(layer), x=percent(at[layer]), y=HEIGHT + 15, class_="tick"))
    d, pen = "", "M"
    for x, value in zip(at, values, strict=True):
        if value is None:
            pen = "M"
        else:
            d += f"{pen}{1000 * x:.1f} {1000 * (1 - scale.at(value)):.1f}"
            pen = "L"
    parts.append(stretched(d, "layer-line"))
    if count <= MOST_DOTS:
        parts += [
            tag("circle", tag("title", f"layer {layer}: {value!r}"), cx=percent(x),
                cy=percent(1 - scale.at(value)), r=2.2, class_="layer-dot")
            for layer, (x, value) in enumerate(zip(at, values, strict=True))
            if value is not None
        ]  # fmt: skip
    low, high = (numbers.score(end) for end in (min(known), max(known)))
    return tag("svg", *parts, class_="plane", height=HEIGHT, role="img",
               aria_label=f"{name} by layer, from {low} to {high}")  # fmt: skip


def similarity(matrix: Sequence[Sequence[float | None]], scan: int) -> Markup | None:
    """Cosines between the hidden states before each layer (the last: after the last layer)."""
    count = len(matrix)
    cells = {
        (x, y): value
        for y, row in enumerate(matrix)
        for x, value in enumerate(row[:count])
        if value is not None
    }
    if not cells:
        return None
    low, high = min(cells.values()), max(cells.values())
    by_step: dict[int, list[tuple[int, int]]] = {}
    for cell, value in cells.items():
        by_step.setdefault(ramp_of(value, low, high), []).append(cell)
    words = f"Cosine similarity of hidden states, from {low:.3g} to {high:.3g}"
    svg = tag(
        "svg",
        *(tag("path", d=squares(by_step[step]), class_=f"ramp-{step}") for step in sorted(by_step)),
        tag("rect", x=-9, y=-9, width=1, height=1, class_="cursor"),
        class_="cells",
        viewBox=f"0 0 {count} {count}",
        width="100%",
        role="img",
        aria_label=words,
    )
    grid = tag(
        "div",
        tag("div", row_ticks(count), class_="hm-y"),
        tag("div", svg, class_="hm-cells", tabindex=0, role="group",
            aria_label="Similarity: arrow keys go from cell to cell", data_map="similarity",
            data_scan=scan, data_of=-1, data_tall=1),
        tag("div", column_ticks(count), class_="hm-x"),
        class_="hm plain",
    )  # fmt: skip
    return grid + _bar(low, high)


def _bar(low: float, high: float) -> Markup:
    bars = [
        tag("rect", x=percent(i / RAMP), width=percent(1.01 / RAMP), y=0, height=12,
            class_=f"ramp-{i}")
        for i in range(RAMP)
    ]  # fmt: skip
    ends = (
        tag("text", f"{low:.3g}".replace("-", "−"), x=0, y=28, class_="tick start"),
        tag("text", f"{high:.3g}".replace("-", "−"), x="100%", y=28, class_="tick end"),
    )
    bar = tag("svg", *bars, *ends, class_="strip colour-bar", height=32, aria_hidden="true")
    return tag("div", bar, class_="bar-box") + tag("p", "cosine", class_="bar-unit")
