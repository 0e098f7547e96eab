"""Single layers repeated: x = layer, y = how many times it runs in all."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.scan_cells import Cells, column_ticks, drawing, row_ticks
from workbench.report.figures.svg import tag
from workbench.report.scan_results import Row, Scan

#: The first row of the map: running a layer once is the base.
FEWEST = 2
#: As many as a recipe may ask for.
MOST_TIMES = 64
#: Up to so many layers the map needs no more than a part of the page's width.
FEW = 16
#: And with so few, seven rows of squares as wide as that would fill the screen.
TINY = 4


def repeat_of(row: Row) -> tuple[int, int] | None:
    """(layer, times); a block of one layer is that layer run twice."""
    if row.repeat is not None:
        return row.repeat if row.repeat[1] >= FEWEST else None
    if row.block is not None and row.block[1] == row.block[0] + 1:
        return (row.block[0], FEWEST)
    return None


def repeat_cells(scan: Scan, probe: str | None) -> Cells | None:
    """Gains by (layer, times - 2); ``None`` where no layer was run more than twice."""
    placed = [
        ((layer, times - FEWEST), row)
        for row in scan.rows
        if (found := repeat_of(row)) is not None
        for layer, times in [found]
        if 0 <= layer < scan.n_layers and times <= MOST_TIMES
    ]
    most = max((cell[1] for cell, _ in placed), default=0)
    if most < 1:
        return None
    gains = {cell: gain for cell, row in placed if (gain := row.gain(probe)) is not None}
    paths = {row.path: cell for cell, row in placed}
    best = max(gains, key=gains.__getitem__, default=None)
    return Cells(
        columns=scan.n_layers,
        rows=most + 1,
        gains=gains,
        overflowed=frozenset(cell for cell, row in placed if row.overflowed(probe)),
        rings={"best": best} if best is not None else {},
        tall=1 if scan.n_layers <= FEW else 2 if scan.n_layers <= 2 * FEW else 3,
        stars=frozenset(paths[w.path] for w in scan.winners if w.confirmed and w.path in paths),
    )


def repeats(cells: Cells, limit: float, title: str, data: Sequence[object]) -> Markup:
    """The map; its colours are those of the map of blocks beside it."""
    words = f"{title}: {cells.columns} layers, run {FEWEST} to {cells.rows + 1} times"
    if "best" in cells.rings:
        layer, row = cells.rings["best"]
        words += (
            f". Best: layer {layer} run {row + FEWEST} times, "
            f"{numbers.signed(cells.gains[layer, row])}"
        )
    return tag(
        "div",
        tag("div", row_ticks(cells.rows, FEWEST), class_="hm-y"),
        tag(
            "div",
            drawing(cells, limit, words),
            class_="hm-cells",
            tabindex=0,
            role="group",
            aria_label=f"{title}: arrow keys go from cell to cell",
            data_map="repeats",
            data_scan=data[0],
            data_of=data[1],
            data_tall=cells.tall,
        ),
        tag("div", column_ticks(cells.columns), class_="hm-x"),
        class_="hm plain"
        + (" few" if cells.columns <= FEW else "")
        + (" tiny" if cells.columns <= TINY else ""),
    )
