"""Gain against extra layers: the paths that no shorter or equally long path beats."""

from __future__ import annotations

import numpy as np

from workbench.scan.judge.combine import Flags, Floats


def front(extra: np.ndarray, gain: Floats, eligible: Flags) -> list[int]:
    """Rows on the Pareto front, by extra layers: each gains more than all that are not longer.

    The base (0 extra, gain 0) belongs among the rows, so that nothing below it is on the front.
    Of equals the first row counts.
    """
    rows = np.flatnonzero(eligible & np.isfinite(gain))
    rows = rows[np.lexsort((rows, -gain[rows], extra[rows]))]
    found: list[int] = []
    best = -np.inf
    for row in rows:
        if gain[row] > best:
            found.append(int(row))
            best = float(gain[row])
    return found
