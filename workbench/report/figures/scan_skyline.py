"""Skylines: the mean gain of each row and column of a map, as bars beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report.figures.axis import tick_text
from workbench.report.figures.scan_cells import Cell, Cells
from workbench.report.figures.svg import tag


@dataclass(frozen=True)
class Skyline:
    """Mean gains by row and by column; both are drawn from ``low`` to ``high``, 0 within."""

    rows: Mapping[int, float]
    columns: Mapping[int, float]
    low: float
    high: float


def skyline(cells: Cells, leave_out: Cell | None = None) -> Skyline:
    """The means over the measured cells; ``leave_out`` is the base's, which is 0 by definition."""
    rows: dict[int, list[float]] = {}
    columns: dict[int, list[float]] = {}
    for (x, y), gain in cells.gains.items():
        if (x, y) != leave_out:
            rows.setdefault(y, []).append(gain)
            columns.setdefault(x, []).append(gain)
    row_means = {y: sum(gains) / len(gains) for y, gains in sorted(rows.items())}
    column_means = {x: sum(gains) / len(gains) for x, gains in sorted(columns.items())}
    means = [0.0, *row_means.values(), *column_means.values()]
    low, high = min(means), max(means)
    return Skyline(row_means, column_means, low, high if high > low else low + 1.0)


def row_bars(line: Skyline, count: int, words: str) -> Markup:
    """Bars to the right of the rows: further right is better."""
    zero = _share(line, 0.0)
    drawn = {"up": "", "down": ""}
    for y, mean in line.rows.items():
        end = _share(line, mean)
        drawn["up" if mean > 0 else "down"] += f"M{zero:.4f} {y + 0.1:g}H{end:.4f}v.8H{zero:.4f}z"
    return _bars(drawn, f"M{zero:.4f} 0V{count}", f"0 0 1 {count}", words)


def column_bars(line: Skyline, count: int, words: str) -> Markup:
    """Bars below the columns: further up is better."""
    zero = 1 - _share(line, 0.0)
    drawn = {"up": "", "down": ""}
    for x, mean in line.columns.items():
        end = 1 - _share(line, mean)
        drawn["up" if mean > 0 else "down"] += f"M{x + 0.1:g} {zero:.4f}V{end:.4f}h.8V{zero:.4f}z"
    return _bars(drawn, f"M0 {zero:.4f}H{count}", f"0 0 {count} 1", words)


def end_labels(line: Skyline, *, sideways: bool) -> Markup:
    """The values at both ends of the bars, and nothing where an end is the zero line."""
    low, high = (
        tick_text(float(f"{end:.2g}"), sign=True) if end else "0" for end in (line.low, line.high)
    )
    if sideways:
        return tag("svg", tag("text", low, x=0, dx=8, y=14, class_="tick start"),
                   tag("text", high, x="100%", y=28, class_="tick end"),
                   class_="strip", height=18, aria_hidden="true")  # fmt: skip
    return tag("svg", tag("text", high, x="100%", dx=-6, y=10, class_="tick end"),
               tag("text", low, x="100%", dx=-6, y="100%", class_="tick end"),
               class_="fill", aria_hidden="true")  # fmt: skip


def _share(line: Skyline, value: float) -> float:
    return (value - line.low) / (line.high - line.low)


def _bars(drawn: Mapping[str, str], zero: str, box: str, words: str) -> Markup:
    return tag(
        "svg",
        tag("title", words),
        *(tag("path", d=d, class_=f"sky-{way}") for way, d in drawn.items() if d),
        tag("path", d=zero, class_="sky-zero"),
        class_="fill",
        viewBox=box,
        preserveAspectRatio="none",
        role="img",
        aria_label=words,
    )
