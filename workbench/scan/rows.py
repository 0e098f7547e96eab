"""The paths' entries in ``scan.json``: what a path is, and what each probe measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.evaluate.intervals import mean_interval
from workbench.relayer.path import Path, describe
from workbench.scan.combine import Flags, Floats
from workbench.scan.gains import Gains
from workbench.scan.measured import ProbeScores


def block_of(path: Path, n_layers: int) -> list[int] | None:
    """``[i, j]`` of a path that is one block run twice, else None."""
    j = _departure(path)
    if not j < len(path):
        return None
    i = path[j]
    return [i, j] if i < j and path == (*range(j), *range(i, n_layers)) else None


def repeat_of(path: Path, n_layers: int) -> list[int] | None:
    """``[layer, times]`` of a path that runs one layer that often in all, else None."""
    at, extra = _departure(path), len(path) - n_layers
    if extra < 1 or not 0 < at < len(path):
        return None
    layer = at - 1
    repeated = (*range(at), *[layer] * extra, *range(at, n_layers))
    return [layer, extra + 1] if path == repeated else None


def _departure(path: Path) -> int:
    """The first position that does not run the layer of its own number."""
    return next((p for p, layer in enumerate(path) if layer != p), len(path))


def path_rows(
    probes: Sequence[ProbeScores],
    gains: Sequence[Gains],
    units: Sequence[float],
    q: Sequence[Floats],
    total: Gains,
    total_q: Floats,
    raced: Flags,
    *,
    n_layers: int,
    found_by: Mapping[Path, str],
) -> list[dict[str, Any]]:
    """An entry for each path, in the order of the rows."""
    measures = [
        _measures(probe, of, q_of) for probe, of, q_of in zip(probes, gains, q, strict=True)
    ]
    entries = []
    for row, path in enumerate(probes[0].paths):
        z = {
            probe.name: of.gain[row] / unit if unit > 0 else 0.0 * of.gain[row]
            for probe, of, unit in zip(probes, gains, units, strict=True)
        }
        entry: dict[str, Any] = {
            "path": describe(path),
            "extra": len(path) - n_layers,
            "block": block_of(path, n_layers),
            "repeat": repeat_of(path, n_layers),
            "search": found_by[path],
            "scores": {probe.name: rows[row] for probe, rows in zip(probes, measures, strict=True)},
            "z": z,
            "combined": total.gain[row],
            "combined_ci95": [total.low[row], total.high[row]],
            "combined_p": total.p[row],
            "combined_q": total_q[row],
        }
        if raced[row]:
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
            "gain_ci95": [gains.low[row], gains.high[row]],
            "p": gains.p[row],
            "q": q[row],
            "metrics": {metric: values[row] for metric, values in means.items()},
        }
        for row in range(len(primary))
    ]


def score_interval(scores: Floats) -> list[float] | None:
    """The 95% interval of a mean over the items that have a score; None where none has."""
    known = scores[np.isfinite(scores)]
    return list(mean_interval(known)[0]) if known.size else None


def _means(values: Floats) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
