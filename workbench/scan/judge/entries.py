"""The entries of ``scan.json`` beside the paths: winners, shrinkage, curse, front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.relayer.path import Path, describe
from workbench.scan.judge.combine import Flags
from workbench.scan.judge.curse import CHOOSING, SPLITS, Curse, Shrinkage, shrinkage
from workbench.scan.judge.discoveries import FALSE_DISCOVERIES, FLIPS
from workbench.scan.judge.measured import ProbeScores, overflow_counts
from workbench.scan.judge.pareto import front
from workbench.scan.judge.pooled import deviations, influence
from workbench.scan.judge.rows import score_interval
from workbench.scan.judge.searched import Searched
from workbench.scan.judge.verdict import Judged
from workbench.scan.judge.winners import extra_layers


def winner_entry(scan: Searched, judged: Judged | None, path: Path) -> dict[str, Any]:
    row = scan.row(path)
    entry: dict[str, Any] = {
        "path": describe(path),
        "extra": int(scan.extra[row]),
        "search_gain": scan.total.gain[row],
        "search_ci95": scan.total.ci95(row),
        "held_out": {},
        "combined": None,
        "confirmed": False,
    }
    if judged is None:
        return entry
    row = list(judged.paths).index(path)
    for probe, of in zip(judged.probes, judged.gains, strict=True):
        scores = np.where(probe.measured, probe.scores[probe.metric], np.nan)
        entry["held_out"][probe.name] = {
            "gain": of.gain[row],
            "ci95": of.ci95(row),
            "p": of.p[row],
            "n": int(of.n[row]),
            "score": _mean(scores[row]),
            "score_ci95": score_interval(scores[row]),
            "base": _mean(scores[judged.base]),
            "overflow": int(probe.overflowed[row].sum()),
        }
    total = judged.total
    entry["combined"] = {
        "gain": total.gain[row],
        "ci95": total.ci95(row),
        "p": total.p[row],
        "p_adjusted": judged.p_adjusted[row],
    }
    entry["confirmed"] = bool(judged.confirmed[row])
    return entry


def _mean(scores: Any) -> float | None:
    known = scores[np.isfinite(scores)]
    return float(known.mean()) if known.size else None


def shrinkages(
    scan: Searched, judged: Judged | None, chosen: Sequence[Path]
) -> dict[str, Shrinkage]:
    """What the search's best path lost on held-out items, and what the winners lost on average.

    By the probes that have held-out items only, so that like is compared with like.
    """
    if judged is None or not chosen:
        return {}
    names = [probe.name for probe in scan.probes]
    of = [names.index(probe.name) for probe in judged.probes]
    searched, weights = [scan.probes[k] for k in of], scan.weights(of)

    def both(paths: Sequence[Path]) -> Shrinkage:
        there = [list(judged.paths).index(path) for path in paths]
        here = [scan.row(path) for path in paths]
        return shrinkage(
            *_mean_gain(searched, scan.base, weights, here),
            *_mean_gain(judged.probes, judged.base, weights, there),
        )

    return {"best": both(chosen[:1]), "winners": both(chosen)}


def _mean_gain(
    probes: Sequence[ProbeScores], base: int, weights: Sequence[float], rows: Sequence[int]
) -> tuple[float, float]:
    """The combined gain averaged over ``rows``, whose items they share, and its error."""
    gain = influence(probes, base, weights)[rows].sum(axis=1).mean()
    items = deviations(probes, base, weights)[0][rows].mean(axis=0)
    return float(gain), float(np.sqrt((items**2).sum()))


def shrinkage_entry(lost: Mapping[str, Shrinkage], chosen: Sequence[Path]) -> dict[str, Any] | None:
    if not lost:
        return None

    def entry(of: Shrinkage) -> dict[str, Any]:
        return {
            "search": of.search,
            "held_out": of.held_out,
            "difference": of.difference,
            "ci95": list(of.ci95),
            "ratio": of.ratio,
        }

    return {
        "path": describe(chosen[0]),
        **entry(lost["best"]),
        "winners": {"count": len(chosen), **entry(lost["winners"])},
    }


def curse_entry(curse: Curse | None) -> dict[str, Any]:
    if curse is None:
        return {
            "expected": None,
            "ci95": None,
            "method": "not estimated: it takes two paths to choose from and two items a probe",
        }
    return {
        "expected": curse.expected,
        "ci95": list(curse.ci95),
        "of": curse.of,
        "method": (
            f"the best of {curse.of} paths chosen on a random {CHOOSING:.0%} of the items and "
            f"judged on the rest, {SPLITS} times, scaled to all items; interval after Nadeau and "
            "Bengio (2003)"
        ),
    }


def discoveries_entry(scan: Searched) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "q": FALSE_DISCOVERIES,
        "count": scan.discovered,
        "of": scan.tested,
        "method": (
            "Benjamini-Hochberg over one-sided p values of the combined gain; family-wise p of the "
            f"best path by max-T over {FLIPS} sign flips of items, all paths flipped together"
        ),
        "best": None,
    }
    if scan.best is not None:
        entry["best"] = {
            "path": describe(scan.paths[scan.best]),
            "family_wise_p": scan.family_wise[scan.best],
        }
    return entry


def pareto_entry(scan: Searched, judged: Judged | None) -> list[dict[str, Any]]:
    """The front on held-out items among the winners, and that on search items among all paths."""
    eligible = scan.clean.copy()
    eligible[scan.base] = True
    fronts = [("search", scan.paths, scan.extra, scan.total, eligible)]
    if judged is not None:
        clean: Flags = overflow_counts(judged.probes) == 0
        clean[judged.base] = True
        extra = extra_layers(judged.paths, judged.base)
        fronts.insert(0, ("held_out", list(judged.paths), extra, judged.total, clean))
    return [
        {
            "path": describe(paths[row]),
            "extra": int(extra[row]),
            "gain": total.gain[row],
            "ci95": total.ci95(row),
            "source": source,
        }
        for source, paths, extra, total, rows in fronts
        for row in front(extra, total.gain, rows)
    ]
