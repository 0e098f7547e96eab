"""One number a path from several probes: its gains over the base, in SDs of the map.

Probes have different scales and different room to gain. A path's mean gain on a probe is divided by
the standard deviation of that mean over the paths measured, and the quotients are averaged over the
probes. A probe on which no path differs from another says nothing and adds 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def combined(
    scores: Mapping[str, Floats],
    base: Mapping[str, Floats],
    measured: Mapping[str, Flags] | None = None,
) -> Floats:
    """The combined gain of every path, in SDs: the mean over probes of gain / :func:`spread`.

    Args:
        scores: by probe, ``[paths, items]``; NaN where the path overflowed.
        base: by probe, ``[items]``, the base's scores on the same items. Items on which the base
            itself overflowed compare nothing and are left out.
        measured: by probe, ``[paths, items]``: False where a pair was never measured. All, if not
            given.

    Returns:
        ``[paths]``; ``-inf`` for a path that overflowed anywhere or was not measured on a probe, so
        that it ranks below every other.
    """
    total: Floats | None = None
    for probe, values in scores.items():
        seen = None if measured is None else measured[probe]
        gains = mean_gains(values, base[probe], seen)
        quotient = np.where(np.isnan(gains), -np.inf, in_spreads(gains, spread(gains)))
        total = quotient if total is None else total + quotient
    if total is None:
        raise ValueError("no probe to combine")
    return total / len(scores)


def mean_gains(scores: Floats, base: Floats, measured: Flags | None = None) -> Floats:
    """Each path's mean gain over the base, ``[paths]``; NaN where a measured item overflowed."""
    judged = np.isfinite(base)[None, :] & (True if measured is None else measured)
    differences = np.where(judged, scores - np.where(np.isfinite(base), base, 0.0), 0.0)
    counts = judged.sum(axis=1) + np.zeros(len(scores))
    return np.divide(
        differences.sum(axis=1), counts, out=np.full(len(scores), np.nan), where=counts > 0
    )


def spread(gains: Floats) -> float:
    """The SD over paths of their mean gains, NaN ones left out; 0.0 where they do not differ.

    Of the paths as a population (divisor: their number): it is a unit, not an estimate.
    """
    clean = gains[np.isfinite(gains)]
    if clean.size < 2:
        return 0.0
    deviation = float(clean.std())
    # Equal gains differ in their last bits.
    return deviation if deviation > 1e-12 * max(1.0, float(np.abs(clean).max())) else 0.0


def in_spreads(gains: Floats, unit: float) -> Floats:
    """``gains / unit``; 0 where the unit is 0, for a probe that tells no path from another."""
    return gains / unit if unit > 0 else np.where(np.isnan(gains), np.nan, 0.0)
