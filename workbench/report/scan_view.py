"""A scan prepared for the templates: its maps, tables and words, and the data behind a hover."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.report import numbers, scan_words
from workbench.report.figures import (
    scan_anatomy,
    scan_heatmap,
    scan_pareto,
    scan_repeats,
    scan_scatter,
)
from workbench.report.figures.axis import Scale, change_scale
from workbench.report.results import Entry
from workbench.report.scan_read import read_scan
from workbench.report.scan_results import ProbeFacts, Row, Screen, Winner

#: Rows of the table of best paths.
BEST = 20

#: Significant digits of the numbers embedded for hovering; the page shows three decimals.
DIGITS = 6


@dataclass(frozen=True)
class MapView:
    """The maps of one probe, or of all combined."""

    title: str
    metric: str
    blocks: Markup | None
    repeats: Markup | None
    words: str


class ScanView:
    """One scan. ``trouble`` says why the measured paths are missing, where they are."""

    def __init__(
        self, scan: Mapping[str, Any], *, name: str = "", seed: int | None = None,
        index: int = 0, trouble: str = "",
    ) -> None:  # fmt: skip
        self.source = scan
        self.scan = read_scan(scan)
        self.name = name
        self.seed = seed
        self.index = index
        self.trouble = trouble
        self.sentence, self.reason, self.found = scan_words.verdict(self.scan)
        self.findings = scan_words.findings(self.scan)
        self.pareto = scan_pareto.pareto(self.scan)
        self.front = scan_pareto.front_points(self.scan)
        self.scatter = scan_scatter.scatter(self.scan)
        self.similarity = scan_anatomy.similarity(self.scan.similarity, index)
        self.conditions = self.scan.part("conditions")
        self.cost = self.scan.part("cost")
        notes = self.scan.part("anatomy").get("notes")
        self.notes = [str(note) for note in notes] if isinstance(notes, list) else []

    @property
    def anchor(self) -> str:
        """The section's id."""
        return f"scan-{self.index}"

    @property
    def blocks(self) -> int:
        """How many blocks were measured, without the base."""
        found = (scan_heatmap.block_of(row, self.scan) for row in self.scan.rows)
        return sum(block not in (None, (0, 0)) for block in found)

    @cached_property
    def maps(self) -> list[MapView]:
        """Combined first, then every probe; one probe alone needs no combination."""
        probes = self.scan.probes
        views = [self._map(None)] if len(probes) != 1 else []
        views += [self._map(number) for number in range(len(probes))]
        return [view for view in views if view.blocks or view.repeats]

    def _map(self, probe: int | None) -> MapView:
        facts = None if probe is None else self.scan.probes[probe]
        name = facts.name if facts else None
        blocks = scan_heatmap.block_cells(self.scan, name)
        repeats = scan_repeats.repeat_cells(self.scan, name)
        drawn = [cells for cells in (blocks, repeats) if cells is not None]
        limit = scan_heatmap.limit_of(drawn, self.scan.rows, name)
        title = facts.name if facts else "All probes combined"
        data = (self.index, -1 if probe is None else probe)
        several = len(blocks.gains) + len(blocks.overflowed) > 1
        return MapView(
            title,
            facts.metric if facts else "",
            scan_heatmap.heatmap(blocks, limit, title, self._unit(facts), data)
            if several
            else None,
            scan_repeats.repeats(repeats, limit, f"{title}, single layers repeated", data)
            if repeats
            else None,
            self._floors(facts),
        )

    def _unit(self, facts: ProbeFacts | None) -> str:
        if facts is None:
            return "gain over the base, in standard deviations over the paths"
        base = self.base_score(facts.name)
        scored = "" if base is None else f" (base {numbers.score(base)})"
        return f"gain over the base in {facts.metric}{scored}"

    def _floors(self, facts: ProbeFacts | None) -> str:
        if facts is None or facts.metric not in facts.floors:
            return ""
        floor = facts.floors[facts.metric]
        return f"A trivial answer scores {numbers.score(floor)} in {facts.metric}."

    def base_score(self, probe: str) -> float | None:
        """The base on a probe's search items."""
        for row in self.scan.rows:
            if scan_heatmap.block_of(row, self.scan) == (0, 0) and probe in row.scores:
                return row.scores[probe].score
        return None

    @property
    def best(self) -> list[Row]:
        """The best paths on the search items, the base among them for comparison."""
        ranked = sorted(
            (row for row in self.scan.rows if self._rank(row) is not None),
            key=lambda row: self._rank(row) or 0.0,
            reverse=True,
        )
        base = [row for row in ranked if self.is_base(row)]
        others = [row for row in ranked if not self.is_base(row)]
        return [*base, *others[:BEST]]

    def is_base(self, row: Row) -> bool:
        """Whether a row is the base's own."""
        return row.search == "base" or row.path == self.scan.base

    def _rank(self, row: Row) -> float | None:
        if row.combined is None and len(self.scan.probes) == 1:
            return row.gain(self.scan.probes[0].name)
        return row.combined

    @cached_property
    def winner_scale(self) -> Scale:
        """The scale of the winners' strips."""
        return change_scale(
            v for w in self.scan.winners for v in (w.search_gain, *w.search_ci95, w.gain, *w.ci95)
        )

    @property
    def winners(self) -> tuple[Winner, ...]:
        """The paths measured again."""
        return self.scan.winners

    @property
    def screens(self) -> tuple[Screen, ...]:
        """The cheap figures with a rank correlation."""
        return self.scan.screens

    @cached_property
    def shaded(self) -> tuple[int, int] | None:
        """The block of the best winner, or of the best measured path."""
        chosen = self.scan.part("verdict").get("best") if self.found else None
        if chosen is None:
            chosen = next((row.path for row in self.best if not self.is_base(row)), None)
        block = next(
            (scan_heatmap.block_of(r, self.scan) for r in self.scan.rows if r.path == chosen), None
        )
        return None if block == (0, 0) else block

    @cached_property
    def panels(self) -> list[tuple[str, Markup]]:
        """The per-layer figures that have a value."""
        drawn = [
            (name, scan_anatomy.layer_panel(name, values, self.shaded))
            for name, values in self.scan.layers.items()
        ]
        return [(name, panel) for name, panel in drawn if panel is not None]

    def data(self) -> dict[str, Any]:
        """What the script needs to answer a hover, a column an array."""
        scan = self.scan
        rows = [
            (row, scan_heatmap.block_of(row, scan), scan_repeats.repeat_of(row))
            for row in scan.rows
        ]
        rows = [found for found in rows if found[1] is not None or found[2] is not None]
        shown = [row for row, _, _ in rows]
        return {
            "paths": [row.path for row in shown],
            "extra": [row.extra for row in shown],
            "raced": [index for index, row in enumerate(shown) if row.raced],
            "blocks": [[b[1], b[0], i] for i, (_, b, _) in enumerate(rows) if b is not None],
            "repeats": [[r[0], r[1] - 2, i] for i, (_, _, r) in enumerate(rows) if r is not None],
            "combined": {
                "gain": [_short(row.combined) for row in shown],
                "low": [_short(row.combined_ci95[0]) for row in shown],
                "high": [_short(row.combined_ci95[1]) for row in shown],
                "q": [_short(row.q) for row in shown],
            },
            "probes": [_probe_data(probe, shown) for probe in scan.probes],
            "similarity": [[_short(v) for v in row] for row in scan.similarity],
        }


def scan_of(entry: Entry, run_folder: Path, index: int) -> ScanView:
    """The scan of an output: ``scan.json`` in its folder, else what the run's record kept of it."""
    kept = entry.record.get("scan")
    scan: dict[str, Any] = kept if isinstance(kept, dict) else {}
    home = run_folder.absolute().parent.parent
    file = (home / (entry.path or "")).resolve() / "scan.json"
    trouble = ""
    try:
        if not entry.path or not file.is_relative_to(home.resolve()):
            raise FileNotFoundError
        whole = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(whole, dict):
            raise ValueError("it holds no scan")
        scan = whole
    except (OSError, ValueError, RecursionError) as error:
        gone = isinstance(error, OSError)
        place = f"{entry.path or 'its folder'}/scan.json"
        trouble = (
            f"The maps are missing: {place} {'is gone' if gone else 'cannot be read'}. "
            "What follows was kept with the run; running the recipe again measures the rest anew."
        )
    return ScanView(scan, name=entry.name, seed=entry.seed, index=index, trouble=trouble)


def _probe_data(probe: ProbeFacts, rows: list[Row]) -> dict[str, Any]:
    found = [row.scores.get(probe.name) for row in rows]
    return {
        "name": probe.name,
        "metric": probe.metric,
        "score": [_short(m.score) if m else None for m in found],
        "low": [_short(m.ci95[0]) if m else None for m in found],
        "high": [_short(m.ci95[1]) if m else None for m in found],
        "n": [m.n if m else None for m in found],
        "overflow": [m.overflow if m else 0 for m in found],
        "gain": [_short(m.gain) if m else None for m in found],
        "gainLow": [_short(m.gain_ci95[0]) if m else None for m in found],
        "gainHigh": [_short(m.gain_ci95[1]) if m else None for m in found],
        "q": [_short(m.q) if m else None for m in found],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
