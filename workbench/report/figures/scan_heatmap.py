"""The map of all blocks in David Noel Ng's convention: x = j, y = i, the origin at the top left.

Cell (i, j) is the path 0 … j-1, i … N-1; the base is (0, 0); i >= j means nothing and is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures import scan_skyline
from workbench.report.figures.scan_cells import (
    Cell,
    Cells,
    colour_bar,
    colour_limit,
    column_ticks,
    drawing,
    row_ticks,
)
from workbench.report.figures.svg import tag
from workbench.report.scan_results import Row, Scan

BASE: Cell = (0, 0)


def block_of(row: Row, scan: Scan) -> tuple[int, int] | None:
    """The block (i, j) of a path, the base's (0, 0); ``None`` for paths of another form."""
    if row.search == "base" or row.path == scan.base:
        return (0, 0)
    if row.block is not None:
        i, j = row.block
        return row.block if 0 <= i < j <= scan.n_layers or row.block == (0, 0) else None
    if row.repeat is not None and row.repeat[1] == 2 and 0 <= row.repeat[0] < scan.n_layers:
        return (row.repeat[0], row.repeat[0] + 1)
    return None


def block_cells(scan: Scan, probe: str | None) -> Cells:
    """The gains of all blocks on a probe, or combined (``None``), by (j, i)."""
    placed = [(block[::-1], row) for row in scan.rows if (block := block_of(row, scan))]
    gains = {cell: gain for cell, row in placed if (gain := row.gain(probe)) is not None}
    paths = {row.path: cell for cell, row in placed}
    best = max((cell for cell in gains if cell != BASE), key=gains.__getitem__, default=None)
    rings = ({"base": BASE} if BASE in dict(placed) else {}) | ({"best": best} if best else {})
    return Cells(
        columns=scan.n_layers + 1,
        rows=scan.n_layers,
        gains=gains,
        overflowed=frozenset(cell for cell, row in placed if row.overflowed(probe)),
        rings=rings,
        stars=frozenset(paths[w.path] for w in scan.winners if w.confirmed and w.path in paths),
    )


def limit_of(cells: Iterable[Cells], rows: Iterable[Row], probe: str | None) -> float:
    """The colour scale's end for maps that share one."""
    ends = [row.gain_ci95(probe) for row in rows]
    half = [(high - low) / 2 for low, high in ends if low is not None and high is not None]
    return colour_limit([gain for each in cells for gain in each.gains.values()], half)


def heatmap(cells: Cells, limit: float, title: str, unit: str, data: Sequence[object]) -> Markup:
    """The map with skylines and colour bar. ``data`` is which scan and which value it shows."""
    line = scan_skyline.skyline(cells, BASE)
    n = cells.rows
    stairs = f"M1 0H{n + 1}V{n}" + "".join("h-1v-1" for _ in range(n)) + "z"
    label = (
        f"{title}: {len(cells.gains)} blocks; j from left to right, i from top to bottom. "
        + best_words(cells, line)
    )
    grid = tag(
        "div",
        tag("div", row_ticks(n), class_="hm-y"),
        tag(
            "div",
            drawing(cells, limit, label, tag("path", d=stairs, class_="stairs")),
            class_="hm-cells",
            tabindex=0,
            role="group",
            aria_label=f"{title}: arrow keys go from cell to cell",
            data_map="blocks",
            data_scan=data[0],
            data_tall=cells.tall,
            data_of=data[1],
            data_x=cells.rings.get("best", BASE)[0],
            data_y=cells.rings.get("best", BASE)[1],
        ),
        tag("div", scan_skyline.row_bars(line, n, "Mean of each row i"), class_="hm-rows"),
        tag("div", column_ticks(n + 1), class_="hm-x"),
        tag("div", scan_skyline.end_labels(line, sideways=True), class_="hm-rows-ends"),
        tag("div", scan_skyline.column_bars(line, n + 1, "Mean of each column j"),
            class_="hm-columns"),
        tag("div", scan_skyline.end_labels(line, sideways=False), class_="hm-columns-ends"),
        class_="hm",
    )  # fmt: skip
    beyond = sum(abs(gain) > limit * (1 + 1e-9) for gain in cells.gains.values())
    return grid + colour_bar(limit, unit, beyond)


def best_words(cells: Cells, line: scan_skyline.Skyline) -> str:
    """The best block and the best row and column in words."""
    words = []
    if "best" in cells.rings:
        j, i = cells.rings["best"]
        words.append(f"Best block ({i}, {j}): {numbers.signed(cells.gains[j, i])}")
    for name, means in (("row i", line.rows), ("column j", line.columns)):
        if means:
            best = max(means, key=means.__getitem__)
            words.append(f"best {name} = {best} on average ({numbers.signed(means[best])})")
    return "; ".join(words)
