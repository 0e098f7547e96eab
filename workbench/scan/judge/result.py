"""``scan.json``: from the measurements to a verdict, with every number's interval beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.relayer.path import Path, describe
from workbench.scan.judge.entries import (
    curse_entry,
    discoveries_entry,
    pareto_entry,
    shrinkage_entry,
    shrinkages,
    winner_entry,
)
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.reasons import reasons
from workbench.scan.judge.rows import path_rows
from workbench.scan.judge.searched import Searched
from workbench.scan.judge.verdict import judge, sentence
from workbench.scan.judge.winners import choose_winners

__all__ = ["ProbeScores", "build_result", "choose_winners"]


def build_result(
    search: Sequence[ProbeScores],
    held_out: Sequence[ProbeScores],
    *,
    n_layers: int,
    seed: int,
    base: Path,
    winners: int,
    found_by: Mapping[Path, str],
    anatomy: Mapping[str, Any] | None = None,
    cost: Mapping[str, Any] | None = None,
    conditions: Mapping[str, Any] | None = None,
    agreement: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The scan's result, ready for ``json.dump``: plain types, null for what is not known.

    Args:
        search: every probe on the search items; all with the same paths in the same order, the base
            among them and measured on all items.
        held_out: the same probes on held-out items, with the paths of :func:`choose_winners`; a
            probe without such items is left out of it or has none. Empty: nothing is judged.
        base: the path to be beaten.
        winners: as given to :func:`choose_winners`.
        found_by: by path, the search that proposed it first.

    Raises:
        ValueError: the probes' paths differ, or the base is not among them.
    """
    _check([search, held_out], base)
    scan = Searched(search, base, seed)
    units = dict(zip((p.name for p in search), scan.units, strict=True))
    judged = judge(held_out, units, base)
    chosen = (
        [path for path in judged.paths if path != base]
        if judged
        else choose_winners(search, base, winners)[1:]
    )
    chosen.sort(key=lambda path: -scan.total.gain[scan.row(path)])
    lost = shrinkages(scan, judged, chosen)
    best = None if judged is None or judged.best is None else judged.paths[judged.best]
    held = {probe.name: len(probe.items) for probe in held_out}
    result: dict[str, Any] = {
        "n_layers": n_layers,
        "seed": seed,
        "probes": [
            {
                "name": probe.name,
                "metric": probe.metric,
                "metrics": list(probe.metrics),
                "needs_generation": probe.needs_generation,
                "items": len(probe.items),
                "held_out": held.get(probe.name, 0),
                "floors": dict(probe.floors),
            }
            for probe in search
        ],
        "base": describe(base),
        "paths": path_rows(
            scan,
            n_layers=n_layers,
            found_by=found_by,
        ),
        "winners": [winner_entry(scan, judged, path) for path in chosen],
        "verdict": {
            "best": None if best is None else describe(best),
            "sentence": sentence(judged, int(scan.clean.sum())),
            "reason": " ".join(reasons(scan, judged, lost.get("best"))),
        },
        "shrinkage": shrinkage_entry(lost, chosen),
        "curse": curse_entry(scan.curse),
        "discoveries": discoveries_entry(scan),
        "pareto": pareto_entry(scan, judged),
        "anatomy": anatomy,
        "cost": dict(cost or {}),
        "conditions": dict(conditions or {}),
    }
    if agreement is not None:
        result["agreement"] = agreement
    plain: dict[str, Any] = _plain(result)
    return plain


def _check(groups: Sequence[Sequence[ProbeScores]], base: Path) -> None:
    if not groups[0]:
        raise ValueError("a scan has one probe at least")
    for group in groups:
        for probe in group:
            if list(probe.paths) != list(group[0].paths):
                raise ValueError(f"{probe.name} and {group[0].name} have different paths")
            if base not in probe.paths:
                raise ValueError(f"{probe.name}: the base is not among its paths")


def _plain(value: Any) -> Any:
    """Python's own types; null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
