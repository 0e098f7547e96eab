"""Whether any path beats the base: judged on held-out items, and said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.relayer.path import Path, describe
from workbench.scan import grid
from workbench.scan.judge.combine import Flags, Floats
from workbench.scan.judge.discoveries import holm
from workbench.scan.judge.gains import Gains, combined_gains, probe_gains
from workbench.scan.judge.measured import ProbeScores, overflow_counts
from workbench.scan.judge.winners import extra_layers

LEVEL = 0.05


@dataclass(frozen=True)
class Judged:
    """The winners and the base (row ``base``) on held-out items; arrays are ``[paths]``.

    ``total`` is in SDs of the search map. ``p_adjusted`` is two-sided, Holm's over the winners.
    ``confirmed``: a gain, no overflow, and ``p_adjusted`` below 0.05, so that at most one scan of
    forty without a better path confirms one.
    """

    probes: tuple[ProbeScores, ...]
    units: tuple[float, ...]
    gains: tuple[Gains, ...]
    total: Gains
    p_adjusted: Floats
    confirmed: Flags
    base: int

    @property
    def paths(self) -> Sequence[Path]:
        """The paths in the order of the rows."""
        return self.probes[0].paths

    @property
    def winners(self) -> list[int]:
        """The rows that are not the base's."""
        return [row for row in range(len(self.paths)) if row != self.base]

    @property
    def best(self) -> int | None:
        """The confirmed path of the highest gain; the shorter of equals."""
        rows = np.flatnonzero(self.confirmed)
        extra = extra_layers(self.paths, self.base)
        return int(max(rows, key=lambda r: (self.total.gain[r], -extra[r]))) if rows.size else None

    @property
    def shorter(self) -> int | None:
        """The shortest confirmed path that the best one, longer than it, does not surely beat."""
        if self.best is None:
            return None
        extra = extra_layers(self.paths, self.base)
        ahead = _gains(self.probes, self.units, self.best)[1]
        rows = [r for r in np.flatnonzero(self.confirmed) if extra[r] < extra[self.best]]
        level = [r for r in rows if ahead.high[r] >= 0]
        return int(min(level, key=lambda r: (extra[r], -self.total.gain[r]))) if level else None


def judge(held_out: Sequence[ProbeScores], units: Mapping[str, float], base: Path) -> Judged | None:
    """Judge the paths of ``held_out`` against the base, by the search map's SDs (``units``).

    Probes without held-out items are left out. None where there is nothing to judge by.
    """
    probes = tuple(probe for probe in held_out if len(probe.items))
    if not probes:
        return None
    row = list(probes[0].paths).index(base)
    scales = tuple(units[probe.name] for probe in probes)
    gains, total = _gains(probes, scales, row)
    others = np.arange(len(total.p)) != row
    p_adjusted = holm(np.where(others, total.p, np.nan))
    clean = overflow_counts(probes) == 0
    confirmed: Flags = clean & (total.gain > 0) & (np.nan_to_num(p_adjusted, nan=1.0) < LEVEL)
    return Judged(probes, scales, gains, total, p_adjusted, confirmed, row)


def sentence(judged: Judged | None, candidates: int) -> str:
    """The verdict in a sentence; ``candidates`` is how many paths could have been winners."""
    if not candidates:
        return "No path beats the base: none was measured on all items without an overflow."
    if judged is None:
        return (
            "Not judged: there are no held-out items, and a gain on the items that chose a path "
            "says too much for it."
        )
    count = len(judged.winners)
    items = _items(judged)
    if not count:
        return "Not judged: no path was measured again on held-out items."
    if judged.best is not None:
        found = judged.best
        return (
            f"{_path(judged, found)} beats the base on {items}: {_gain(judged, found)}; "
            f"{int(judged.confirmed.sum())} of {count} re-measured paths "
            f"{'does' if judged.confirmed.sum() == 1 else 'do'}."
        )
    best = max(judged.winners, key=lambda row: np.nan_to_num(judged.total.gain[row], nan=-np.inf))
    if count == 1:
        return (
            f"No path beats the base: the one re-measured on {items}, "
            f"{_path(judged, best)}, is not surely better: {_gain(judged, best)}."
        )
    return (
        f"No path beats the base: of {count} paths re-measured on {items} none is surely better. "
        f"The best of them, {_path(judged, best)}: {_gain(judged, best)}."
    )


def _gains(
    probes: Sequence[ProbeScores], units: Sequence[float], row: int
) -> tuple[tuple[Gains, ...], Gains]:
    gains = tuple(probe_gains(probe, row) for probe in probes)
    return gains, combined_gains(probes, gains, units, row)


def _items(judged: Judged) -> str:
    return (
        "held-out items (" + ", ".join(f"{len(p.items)} of {p.name}" for p in judged.probes) + ")"
    )


def _path(judged: Judged, row: int) -> str:
    extra = int(extra_layers(judged.paths, judged.base)[row])
    layers = "layer" if abs(extra) == 1 else "layers"
    return (
        f"{called(judged.paths[row], len(judged.paths[judged.base]))} "
        f"({abs(extra)} {layers} {'more' if extra >= 0 else 'less'})"
    )


def called(path: Path, n_layers: int) -> str:
    """A path as people say it: its block or its repeated layer first, where it is one."""
    block, repeat = grid.block_of(path, n_layers), grid.repeat_of(path, n_layers)
    if block is not None:
        return f"Block ({block[0]}, {block[1]}), path {describe(path)}"
    if repeat is not None:
        return f"Layer {repeat[0]} run {repeat[1]} times, path {describe(path)}"
    return f"Path {describe(path)}"


def _gain(judged: Judged, row: int) -> str:
    """Combined and by probe, with intervals: the numbers that the sentence stands on."""
    parts = [
        f"{probe.name} {of.gain[row]:+.3f} {interval(of, row, '.3f')}"
        for probe, of in zip(judged.probes, judged.gains, strict=True)
    ]
    total = judged.total
    return (
        f"{', '.join(parts)}; combined {total.gain[row]:+.2f} SD {interval(total, row, '.2f')}, "
        f"{probability(judged.p_adjusted[row])} adjusted for {len(judged.winners)}"
    )


def interval(gains: Gains, row: int, form: str) -> str:
    """``[0.012, 0.034]``, or a word where there is none."""
    if not np.isfinite(gains.low[row]):
        return "[no interval]"
    return f"[{gains.low[row]:{form}}, {gains.high[row]:{form}}]"


def probability(p: float) -> str:
    """``p = 0.012``; small ones as a bound."""
    if not np.isfinite(p):
        return "p unknown"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
