"""What is left of the gains when it is taken into account how many paths were tried."""

from __future__ import annotations

import numpy as np

from workbench.scan.judge.combine import Flags, Floats

FLIPS = 2000
FALSE_DISCOVERIES = 0.05

#: Numbers held at once while flipping signs: 64 MB.
_BLOCK = 1 << 23


def q_values(p: Floats) -> Floats:
    """Benjamini-Hochberg q values, NaN where ``p`` is: at which false discovery rate each passes.

    Benjamini and Hochberg (1995), JRSS B 57, 289-300. They hold under positive dependence, which a
    common base gives the paths.
    """
    from scipy.stats import false_discovery_control

    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = false_discovery_control(p[known], method="bh")
    return q


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values (1979, Scand. J. Statist. 6, 65-70), NaN where ``p`` is.

    They control the chance of even one false claim, whatever the dependence.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p[order]))
    return adjusted


def family_wise(influence: Floats, judged: Flags, *, seed: int, flips: int = FLIPS) -> Floats:
    """For each path, how often the best of all paths would look as good if none were better.

    Westfall and Young's single-step max-T (1993) by flipping signs. The sign of an item's
    differences is flipped for all paths together, which keeps the correlation between paths; the
    statistic is the sum of a path's ``influence`` (``[paths, items]``, see ``pooled``) over the
    root of its sum of squares. If path and base could be swapped on every item, each flip is as
    likely as what was seen.

    Args:
        judged: ``[paths]``, which of them the best is taken over.

    Returns:
        One-sided family-wise p, ``[paths]``, never below ``1 / (flips + 1)``; NaN outside
        ``judged``.
    """
    p = np.full(len(influence), np.nan)
    rows = influence[judged]
    if not rows.size:
        return p
    size = np.sqrt((rows**2).sum(axis=1))
    scaled = np.divide(rows, size[:, None], out=np.zeros_like(rows), where=size[:, None] > 0)
    generator = np.random.default_rng([seed, 0])
    best = np.empty(flips)
    block = max(1, _BLOCK // max(rows.shape))
    for start in range(0, flips, block):
        stop = min(start + block, flips)
        signs = generator.choice([-1.0, 1.0], size=(stop - start, rows.shape[1]))
        best[start:stop] = (signs @ scaled.T).max(axis=1)
    seen = scaled.sum(axis=1)
    # Sums of the same numbers in another order are not equal to the last bit.
    reached = flips - np.searchsorted(np.sort(best), seen - 1e-9)
    p[judged] = (reached + 1) / (flips + 1)
    return p
