"""The paths' entries in ``scan.json``: what a path is, and what each probe measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.evaluate.intervals import mean_interval
from workbench.relayer.path import Path, describe
from workbench.scan import grid
from workbench.scan.judge.combine import Floats
from workbench.scan.judge.gains import Gains
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.searched import Searched


def path_rows(
    scan: Searched, *, n_layers: int, found_by: Mapping[Path, str]
) -> list[dict[str, Any]]:
    """An entry for each path, in the order of the rows."""
    measures = [
        _measures(probe, of, q)
        for probe, of, q in zip(scan.probes, scan.gains, scan.q, strict=True)
    ]
    entries = []
    for row, path in enumerate(scan.paths):
        z = {
            probe.name: of.gain[row] / unit if unit > 0 else 0.0 * of.gain[row]
            for probe, of, unit in zip(scan.probes, scan.gains, scan.units, strict=True)
        }
        entry: dict[str, Any] = {
            "path": describe(path),
            "extra": len(path) - n_layers,
            "block": grid.block_of(path, n_layers),
            "repeat": grid.repeat_of(path, n_layers),
            "search": found_by[path],
            "scores": {
                probe.name: rows[row] for probe, rows in zip(scan.probes, measures, strict=True)
            },
            "z": z,
            "combined": scan.total.gain[row],
            "combined_ci95": scan.total.ci95(row),
            "combined_p": scan.total.p[row],
            "combined_q": scan.total_q[row],
        }
        if scan.raced[row]:
            entry["raced"] = True
        entries.append(entry)
    return entries


def _measures(probe: ProbeScores, gains: Gains, q: Floats) -> list[dict[str, Any]]:
    means = {
        metric: _means(np.where(probe.measured, values, np.nan))
        for metric, values in probe.scores.items()
    }
    overflow = probe.overflowed.sum(axis=1)
    primary = np.where(probe.measured, probe.scores[probe.metric], np.nan)
    return [
        {
            "score": means[probe.metric][row],
            "ci95": score_interval(primary[row]),
            "n": int(probe.measured[row].sum()),
            "overflow": int(overflow[row]),
            "gain": gains.gain[row],
            "gain_ci95": gains.ci95(row),
            "p": gains.p[row],
            "q": q[row],
            "metrics": {metric: values[row] for metric, values in means.items()},
        }
        for row in range(len(primary))
    ]


def score_interval(scores: Floats) -> list[float] | None:
    """The 95% interval of a mean over the items that have a score; None where none has one."""
    known = scores[np.isfinite(scores)]
    low, high = mean_interval(known)[0] if known.size else (np.nan, np.nan)
    return [low, high] if np.isfinite(low) and np.isfinite(high) else None


def _means(values: Floats) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
