"""``scan.json``: from the measurements to a verdict, with every number's interval beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.relayer.path import Path, describe
from workbench.scan.combine import Flags
from workbench.scan.curse import Curse, Shrinkage, shrinkage, winners_curse
from workbench.scan.discoveries import FLIPS, family_wise, q_values
from workbench.scan.gains import Gains, combined_gains, map_units, probe_gains
from workbench.scan.measured import ProbeScores, overflow_counts, raced_out
from workbench.scan.pareto import front
from workbench.scan.pooled import deviations, influence
from workbench.scan.rows import path_rows, score_interval
from workbench.scan.verdict import Judged, judge, probability, sentence
from workbench.scan.winners import candidates, choose_winners, extra_layers

FALSE_DISCOVERIES = 0.05


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
    scan = _Search(search, base, seed)
    units = dict(zip((p.name for p in search), scan.units, strict=True))
    judged = judge(held_out, units, base)
    chosen = (
        [path for path in judged.paths if path != base]
        if judged
        else choose_winners(search, base, winners)[1:]
    )
    chosen.sort(key=lambda path: -scan.total.gain[scan.row(path)])
    lost = _shrinkages(scan, judged, chosen)
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
            search,
            scan.gains,
            scan.units,
            scan.q,
            scan.total,
            scan.total_q,
            scan.raced,
            n_layers=n_layers,
            found_by=found_by,
        ),
        "winners": [_winner(scan, judged, path) for path in chosen],
        "verdict": {
            "best": None if best is None else describe(best),
            "sentence": sentence(judged, int(scan.clean.sum())),
            "reason": " ".join(_reasons(scan, judged, lost.get("best"))),
        },
        "shrinkage": _shrinkage_entry(lost, chosen),
        "curse": _curse_entry(scan.curse),
        "discoveries": _discoveries(scan),
        "pareto": _pareto(scan, judged),
        "anatomy": anatomy,
        "cost": dict(cost or {}),
        "conditions": dict(conditions or {}),
    }
    if agreement is not None:
        result["agreement"] = agreement
    plain: dict[str, Any] = _plain(result)
    return plain


class _Search:
    """What the search items say, worked out once."""

    def __init__(self, probes: Sequence[ProbeScores], base: Path, seed: int) -> None:
        self.probes, self.paths = probes, list(probes[0].paths)
        self._rows = {path: row for row, path in enumerate(self.paths)}
        self.base = self.row(base)
        self.gains = [probe_gains(probe, self.base) for probe in probes]
        self.units = map_units(probes, self.gains)
        self.total = combined_gains(probes, self.gains, self.units, self.base)
        self.q = [self._q(gains) for gains in self.gains]
        self.total_q = self._q(self.total)
        self.clean: Flags = candidates(probes, self.base)
        self.raced = raced_out(probes, self.base)
        self.extra = extra_layers(self.paths, self.base)
        self.curse = winners_curse(probes, self.units, self.base, self.clean, seed=seed)
        items = influence(probes, self.base, self.weights(range(len(probes))))
        self.family_wise = family_wise(items, self.clean, seed=seed)

    def row(self, path: Path) -> int:
        return self._rows[path]

    def weights(self, of: Sequence[int]) -> list[float]:
        """By probe, what a point of gain adds to the combined gain over the probes ``of``."""
        return [1 / self.units[k] / len(of) if self.units[k] > 0 else 0.0 for k in of]

    @property
    def best(self) -> int | None:
        """The row of the clean path with the highest combined gain."""
        return (
            int(np.argmax(np.where(self.clean, self.total.gain, -np.inf)))
            if any(self.clean)
            else None
        )

    def _q(self, gains: Gains) -> Any:
        q = q_values(np.where(np.arange(len(self.paths)) == self.base, np.nan, gains.above))
        q[self.base] = 1.0
        return q


def _check(groups: Sequence[Sequence[ProbeScores]], base: Path) -> None:
    if not groups[0]:
        raise ValueError("a scan has one probe at least")
    for group in groups:
        for probe in group:
            if list(probe.paths) != list(group[0].paths):
                raise ValueError(f"{probe.name} and {group[0].name} have different paths")
            if base not in probe.paths:
                raise ValueError(f"{probe.name}: the base is not among its paths")


def _winner(scan: _Search, judged: Judged | None, path: Path) -> dict[str, Any]:
    row = scan.row(path)
    entry: dict[str, Any] = {
        "path": describe(path),
        "extra": int(scan.extra[row]),
        "search_gain": scan.total.gain[row],
        "search_ci95": [scan.total.low[row], scan.total.high[row]],
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
            "ci95": [of.low[row], of.high[row]],
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
        "ci95": [total.low[row], total.high[row]],
        "p": total.p[row],
        "p_adjusted": judged.p_adjusted[row],
    }
    entry["confirmed"] = bool(judged.confirmed[row])
    return entry


def _mean(scores: Any) -> float | None:
    known = scores[np.isfinite(scores)]
    return float(known.mean()) if known.size else None


def _shrinkages(
    scan: _Search, judged: Judged | None, chosen: Sequence[Path]
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


def _shrinkage_entry(
    lost: Mapping[str, Shrinkage], chosen: Sequence[Path]
) -> dict[str, Any] | None:
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


def _curse_entry(curse: Curse | None) -> dict[str, Any]:
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
            f"the best of {curse.of} paths chosen on a random 80% of the items and judged on the "
            "rest, 400 times, scaled to all items; interval after Nadeau and Bengio (2003)"
        ),
    }


def _discoveries(scan: _Search) -> dict[str, Any]:
    tested = np.isfinite(scan.total_q) & (np.arange(len(scan.paths)) != scan.base)
    entry: dict[str, Any] = {
        "q": FALSE_DISCOVERIES,
        "count": int((scan.total_q[tested] <= FALSE_DISCOVERIES).sum()),
        "of": int(tested.sum()),
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


def _pareto(scan: _Search, judged: Judged | None) -> list[dict[str, Any]]:
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
            "ci95": [total.low[row], total.high[row]],
            "source": source,
        }
        for source, paths, extra, total, rows in fronts
        for row in front(extra, total.gain, rows)
    ]


def _reasons(scan: _Search, judged: Judged | None, lost: Shrinkage | None) -> list[str]:
    """What the verdict rests on, a sentence each."""
    words = []
    found = _discoveries(scan)
    if scan.best is not None:
        best, total = scan.best, scan.total
        words.append(
            f"On the search items {found['count']} of {found['of']} paths pass a false discovery "
            f"rate of {FALSE_DISCOVERIES:.0%}; the best, {describe(scan.paths[best])}, gained "
            f"{total.gain[best]:+.2f} SD there (family-wise "
            f"{probability(float(scan.family_wise[best]))})"
            + (f", {scan.curse.expected:.2f} of it expected to be luck." if scan.curse else ".")
        )
    if lost is not None:
        words.append(f"On held-out items that path gains {lost.held_out:+.2f} SD.")
    if judged is not None and judged.best is not None and judged.shorter is not None:
        words.append(
            f"{describe(judged.paths[judged.shorter])} is shorter and not surely worse than it."
        )
    overflowed = overflow_counts(scan.probes)
    if overflowed[scan.base]:
        words.append(f"The base itself overflowed on {overflowed[scan.base]} search items.")
    broken = int((np.delete(overflowed, scan.base) > 0).sum())
    if broken:
        words.append(f"{broken} paths overflowed on search items and could not win.")
    if scan.raced.any():
        words.append(f"{int(scan.raced.sum())} paths were dropped by racing.")
    return words


def _plain(value: Any) -> Any:
    """Python's own types; null for NaN and infinity, and for an interval that has no end."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        inner = [_plain(each) for each in value]
        return None if len(inner) == 2 and inner == [None, None] else inner
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
