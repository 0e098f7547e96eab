"""Which paths are measured again on held-out items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.relayer.path import Path
from workbench.scan.judge.combine import Flags, Floats
from workbench.scan.judge.gains import Gains, combined_gains, map_units, probe_gains
from workbench.scan.judge.measured import ProbeScores, overflow_counts, raced_out
from workbench.scan.judge.pareto import front

#: A front of many lengths may name more paths than the best do; together at most twice as many.
_CAP = 2


def choose_winners(probes: Sequence[ProbeScores], base: Path, winners: int) -> list[Path]:
    """The base, then the paths to measure again, best first.

    The top ``winners`` by combined gain, then those on the Pareto front of gain against length, up
    to twice ``winners`` in all. A path that overflowed on any item, or that racing dropped, is
    never among them. Paths below the base may be: that none is better is worth a second look too.
    """
    row = list(probes[0].paths).index(base)
    gains = [probe_gains(probe, row) for probe in probes]
    clean = candidates(probes, row)
    total = combined_gains(probes, gains, map_units(probes, gains), row)
    return [base, *(probes[0].paths[i] for i in _rows(probes, total, clean, row, winners))]


def candidates(probes: Sequence[ProbeScores], base: int) -> Flags:
    """``[paths]``: measured on all items, no overflow, and not the base."""
    clean: Flags = (overflow_counts(probes) == 0) & ~raced_out(probes, base)
    clean[base] = False
    return clean


def _rows(
    probes: Sequence[ProbeScores], total: Gains, clean: Flags, base: int, winners: int
) -> list[int]:
    extra = extra_layers(probes[0].paths, base)
    gain: Floats = np.where(clean & np.isfinite(total.gain), total.gain, -np.inf)
    order = np.lexsort((extra, -gain))
    top = [int(i) for i in order[:winners] if np.isfinite(gain[i])]
    with_base = clean.copy()
    with_base[base] = True
    on_front = sorted(front(extra, total.gain, with_base), key=lambda i: -total.gain[i])
    more = [i for i in on_front if i != base and i not in top]
    return [*top, *more][: _CAP * winners]


def extra_layers(paths: Sequence[Path], base: int) -> np.ndarray:
    """``[paths]``: how many more layers each runs than the base."""
    return np.array([len(path) for path in paths]) - len(paths[base])
