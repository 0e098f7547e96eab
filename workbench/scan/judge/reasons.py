"""What a scan's verdict rests on, in sentences."""

from __future__ import annotations

import numpy as np

from workbench.relayer.path import describe
from workbench.scan.judge.curse import Shrinkage
from workbench.scan.judge.discoveries import FALSE_DISCOVERIES
from workbench.scan.judge.measured import overflow_counts
from workbench.scan.judge.searched import Searched
from workbench.scan.judge.verdict import Judged, probability


def reasons(scan: Searched, judged: Judged | None, lost: Shrinkage | None) -> list[str]:
    """What the verdict rests on, a sentence each."""
    words = []
    if scan.best is not None:
        best, total = scan.best, scan.total
        words.append(
            f"On the search items {scan.discovered} of {scan.tested} paths pass a false discovery "
            f"rate of {FALSE_DISCOVERIES:.0%}; the best, {describe(scan.paths[best])}, gained "
            f"{total.gain[best]:+.2f} SD there (family-wise "
            f"{probability(float(scan.family_wise[best]))})"
            + _luck(float(total.gain[best]), scan.curse.expected if scan.curse else None)
        )
    if lost is not None:
        words.append(f"On held-out items that path gains {lost.held_out:+.2f} SD.")
    if judged is not None and judged.best is not None and judged.shorter is not None:
        words.append(
            f"{describe(judged.paths[judged.shorter])} is shorter and not surely worse than it."
        )
    words += _overflows(scan, judged)
    if scan.raced.any():
        words.append(f"{int(scan.raced.sum())} paths were dropped by racing.")
    return words


def _overflows(scan: Searched, judged: Judged | None) -> list[str]:
    """Where the base or other paths gave no number: each counts as the worst score on its item."""
    words = []
    places = [("search", scan.probes, scan.base)]
    if judged is not None:
        places.append(("held-out", judged.probes, judged.base))
    for split, probes, base in places:
        counts = overflow_counts(probes)
        if counts[base]:
            words.append(f"The base itself overflowed on {counts[base]} {split} items.")
        broken = int((np.delete(counts, base) > 0).sum())
        if broken:
            paths = "1 path" if broken == 1 else f"{broken} paths"
            words.append(f"{paths} overflowed on {split} items and could not win.")
    return words


def _luck(gain: float, expected: float | None) -> str:
    if expected is None or gain <= 0:
        return "."
    if expected >= gain:
        return ", no more than luck is expected to give."
    return f", about {max(expected, 0):.2f} of it expected to be luck."
