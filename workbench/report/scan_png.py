"""Static pictures of a scan for a README, by matplotlib: the report's figures, light, as PNG."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.report.figures import scan_heatmap, scan_pareto, scan_repeats, scan_scatter
from workbench.report.figures.scan_cells import Cells
from workbench.report.figures.scan_colour import ARM, colour, step_of
from workbench.report.figures.scan_skyline import skyline
from workbench.report.results import load
from workbench.report.scan_read import read_scan
from workbench.report.scan_results import Interval, Scan
from workbench.report.scan_view import scan_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f24", "#59636e", "#e7eaed"
DPI = 144
COMBINED = "all probes combined"
IN_SDS = "gain over the base, SDs over the paths"

Draw = Callable[[], "Figure | None"]


def write_pngs(scan: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes a scan's pictures into ``folder`` and returns their paths.

    ``map-PROBE.png`` for each probe and ``map-combined.png``; ``skyline.png``, ``repeats.png``,
    ``pareto.png`` and ``search-vs-held-out.png`` where the scan has what they show. The same scan
    gives the same bytes.
    """
    read = read_scan(scan)
    drawn: list[tuple[str, Draw]] = [
        *((f"map-{name}", _map(read, probe)) for probe, name in _file_names(read)),
        ("skyline", lambda: _skylines(read)),
        ("repeats", lambda: _repeats(read)),
        ("pareto", lambda: _pareto(read)),
        ("search-vs-held-out", lambda: _scatter(read)),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with _own_style():
        for name, draw in drawn:
            figure = draw()
            if figure is not None:
                target = folder / f"{name}.png"
                # No version and no date, so that the same scan gives the same bytes.
                figure.savefig(target, dpi=DPI, metadata={"Software": None})
                written.append(target)
    return written


def write_run_pngs(run_folder: Path) -> list[Path]:
    """The pictures of every scan of a run, each in ``scan-NAME`` in the run's folder.

    A scan whose maps are gone has none. matplotlib is imported only where there is a scan.
    """
    written = []
    scans = [entry for entry in load(run_folder).outputs if entry.kind == "scan"]
    for index, entry in enumerate(scans):
        view = scan_of(entry, run_folder, index)
        if not view.trouble:
            seed = "" if entry.seed is None else f"-{entry.seed}"
            written += write_pngs(view.source, run_folder / f"scan-{entry.name}{seed}")
    return written


def _file_names(scan: Scan) -> list[tuple[str | None, str]]:
    """Each probe with a name that any file system takes, and none twice; ``None`` is combined."""
    taken = {"combined"}
    names: list[tuple[str | None, str]] = []
    for probe in scan.probes:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", probe.name).strip("-")[:60] or "probe"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        names.append((probe.name, name))
    return [*names, (None, "combined")]


@contextmanager
def _own_style() -> Iterator[None]:
    """matplotlib's own defaults, whatever the user's settings; names are never read as formulas."""
    import warnings

    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Letters that the font lacks become boxes, which is no news to the user.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": ["DejaVu Sans"],
                "font.size": 9,
                "text.parse_math": False,
                "text.color": INK,
                "axes.edgecolor": GRID,
                "axes.labelcolor": INK,
                "axes.titlesize": 10,
                "axes.titlelocation": "left",
                "axes.grid": False,
                "axes.axisbelow": True,
                "grid.color": GRID,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "hatch.linewidth": 0.7,
            }
        )
        yield


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _map(scan: Scan, probe: str | None) -> Draw:
    def draw() -> Figure | None:
        cells = scan_heatmap.block_cells(scan, probe)
        if len(cells.gains) + len(cells.overflowed) < 2:
            return None
        limit = scan_heatmap.limit_of([cells], scan.rows, probe)
        figure = _figure(6.4, 5.6)
        axes = figure.subplots()
        _paint(axes, cells, limit)
        axes.set(xlabel="j: where the block ends", ylabel="i: where it begins")
        title = _printable(probe) if probe is not None else COMBINED
        marked = "; star: confirmed on held-out items" if cells.stars else ""
        axes.set_title(f"{title}\nrings: base (grey), best (black){marked}")
        _colour_bar(figure, axes, limit, _unit(scan, probe))
        return figure

    return draw


def _skylines(scan: Scan) -> Figure | None:
    cells = scan_heatmap.block_cells(scan, None)
    line = skyline(cells, scan_heatmap.BASE)
    if not line.rows:
        return None
    figure = _figure(6.4, 4.4)
    upper, lower = figure.subplots(2, 1)
    for axes, means, words in (
        (upper, line.columns, "mean of each column: the block ends before layer j"),
        (lower, line.rows, "mean of each row: the block begins at layer i"),
    ):
        colours = [colour(ARM if mean > 0 else -ARM) for mean in means.values()]
        axes.bar(list(means), list(means.values()), color=colours, width=0.8)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_title(words)
        _quiet(axes)
    figure.supylabel(IN_SDS, fontsize=9)
    return figure


def _repeats(scan: Scan) -> Figure | None:
    cells = scan_repeats.repeat_cells(scan, None)
    if cells is None:
        return None
    blocks = scan_heatmap.block_cells(scan, None)
    limit = scan_heatmap.limit_of([blocks, cells], scan.rows, None)
    figure = _figure(7.2, 2.8)
    axes = figure.subplots()
    _paint(axes, cells, limit, first_row=scan_repeats.FEWEST)
    axes.set(xlabel="layer", ylabel="runs in all", aspect="auto")
    axes.set_title("one layer run several times")
    _colour_bar(figure, axes, limit, IN_SDS)
    return figure


def _pareto(scan: Scan) -> Figure | None:
    front = scan_pareto.front_points(scan)
    if not front:
        return None
    figure = _figure(6.4, 4.0)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for point in front:
        x, y = float(point.extra or 0), point.gain or 0.0
        _reach_y(axes, x, point.ci95)
        _dot(axes, x, y, point.held_out)
    axes.set(xlabel="extra layers", ylabel=IN_SDS)
    _whole_numbers(axes.xaxis)
    axes.set_title("filled: held-out items; open: search items; lines: 95% intervals")
    axes.grid(True)
    _quiet(axes)
    return figure


def _scatter(scan: Scan) -> Figure | None:
    winners = scan_scatter.drawn_winners(scan)
    if not winners:
        return None
    figure = _figure(5.2, 5.0)
    axes = figure.subplots()
    for winner in winners:
        x, y = winner.search_gain or 0.0, winner.gain or 0.0
        _reach_y(axes, x, winner.ci95)
        _reach_x(axes, y, winner.search_ci95)
        _dot(axes, x, y, winner.confirmed)
    # Both axes run alike, so that the identity line is the diagonal.
    low = min(axes.get_xlim()[0], axes.get_ylim()[0], 0.0)
    high = max(axes.get_xlim()[1], axes.get_ylim()[1], 0.0)
    axes.plot([low, high], [low, high], color=MUTED, linestyle=(0, (5, 4)), linewidth=1, zorder=1)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set(xlabel="gain on search items (SD)", ylabel="gain on held-out items (SD)")
    axes.set_title("filled: confirmed; below the line a gain shrank")
    axes.grid(True)
    _quiet(axes)
    return figure


def _paint(axes: Axes, cells: Cells, limit: float, *, first_row: int = 0) -> None:
    import numpy as np
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    shown = np.ones((cells.rows, cells.columns, 3))
    for (x, y), gain in cells.gains.items():
        shown[y, x] = to_rgb(colour(step_of(gain, limit)))
    bottom = first_row + cells.rows - 0.5
    edges = (-0.5, cells.columns - 0.5, bottom, first_row - 0.5)
    axes.imshow(shown, interpolation="nearest", extent=edges)
    for x, y in sorted(cells.overflowed):
        # Lines that stand out on the cell's own colour, if it has one.
        dark = abs(step_of(cells.gains.get((x, y), 0.0), limit)) > ARM / 2
        box = Rectangle((x - 0.5, first_row + y - 0.5), 1, 1, fill=False, hatch="////",
                        edgecolor="white" if dark else INK, linewidth=0)  # fmt: skip
        box.set_in_layout(False)
        axes.add_patch(box)
    # Marks are sized in points: they stay round where cells are not square.
    for kind, (x, y) in cells.rings.items():
        for ink, width in (("white", 4.0), (INK, 1.6)):
            axes.plot([x], [first_row + y], marker="o", markersize=15, markerfacecolor="none",
                      markeredgecolor=MUTED if kind == "base" and ink == INK else ink,
                      markeredgewidth=width, zorder=3, clip_on=False)  # fmt: skip
    for x, y in sorted(cells.stars):
        axes.plot([x], [first_row + y], marker=(4, 1, 0), markersize=11, color=INK,
                  markeredgecolor="white", markeredgewidth=0.6, zorder=4)  # fmt: skip
    axes.set(
        xlim=(-0.5, cells.columns - 0.5),
        ylim=(bottom, first_row - 0.5),
        aspect="equal",
    )
    _whole_numbers(axes.xaxis)
    _whole_numbers(axes.yaxis)
    _quiet(axes)


def _whole_numbers(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _colour_bar(figure: Figure, axes: Axes, limit: float, unit: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    steps = ListedColormap([colour(step) for step in range(-ARM, ARM + 1)])
    bar = figure.colorbar(ScalarMappable(Normalize(-limit, limit), steps), ax=axes, extend="both")
    bar.set_label(unit)
    bar.outline.set_visible(False)


def _unit(scan: Scan, probe: str | None) -> str:
    facts = next((each for each in scan.probes if each.name == probe), None)
    return f"gain over the base in {_printable(facts.metric)}" if facts else IN_SDS


def _reach_x(axes: Axes, y: float, ci95: Interval) -> None:
    if ci95[0] is not None and ci95[1] is not None:
        axes.plot([ci95[0], ci95[1]], [y, y], color=INK, linewidth=1.2, zorder=2)


def _reach_y(axes: Axes, x: float, ci95: Interval) -> None:
    if ci95[0] is not None and ci95[1] is not None:
        axes.plot([x, x], [ci95[0], ci95[1]], color=INK, linewidth=1.2, zorder=2)


def _dot(axes: Axes, x: float, y: float, filled: bool) -> None:
    face = INK if filled else "white"
    axes.plot([x], [y], marker="o", markersize=6, color=INK, markerfacecolor=face, zorder=3)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def _printable(text: str) -> str:
    from workbench.terminal import printable

    return printable(text).replace("\n", " ")[:80]
