"""How likely a clear verdict is, and how many items it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.leaderboard.reproduce.difference import Measured, run_variance
from workbench.leaderboard.reproduce.equivalence import INSIDE, OUTSIDE

#: The chance of a clear verdict that "would tell" means.
WANTED = 0.80


@dataclass(frozen=True)
class Design:
    """What a figure's error would be with other numbers of items, every sample growing alike.

    ``spreads``, ``counts`` and ``sets`` hold ``s²``, the items scored and the items there are of
    each pool; ``run`` is the variance between two runs.
    """

    spreads: np.ndarray
    counts: np.ndarray
    sets: np.ndarray
    run: float

    @staticmethod
    def of(measured: Measured, flips: float) -> Design:
        pools = measured.pools
        return Design(
            np.array([pool.moments[0] for pool in pools]),
            np.array([pool.n for pool in pools], float),
            np.array([pool.of for pool in pools], float),
            sum(run_variance(pool, flips) for pool in pools),
        )

    @property
    def most(self) -> float:
        """The factor at which every set is asked whole."""
        return float((self.sets / self.counts).max())

    def asked(self, factor: Any) -> np.ndarray:
        """Items of each pool when every sample is ``factor`` times as large; at least one."""
        grown = np.multiply.outer(np.asarray(factor, float), self.counts)
        return np.minimum(np.maximum(np.round(grown), 1), self.sets)

    def error(self, factor: Any) -> Any:
        """The standard error with samples ``factor`` times as large."""
        n = self.asked(factor)
        return np.sqrt(((1 - n / self.sets) * self.spreads / n).sum(axis=-1) + self.run)


def chance_reproduced(error: Any, true: float, margin: float, rounding: float) -> Any:
    """The chance that the 90% interval lies inside the margin when ``true`` is the difference."""
    from scipy.special import ndtr, ndtri

    z = ndtri(0.5 + INSIDE / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (margin - rounding - true) / error
        below = (margin - rounding + true) / error
        return np.maximum(0.0, ndtr(above - z) + ndtr(below - z) - 1)


def chance_not_reproduced(error: Any, true: float, margin: float, rounding: float) -> Any:
    """The chance that the 95% interval lies wholly beyond the margin."""
    from scipy.special import ndtr, ndtri

    z = ndtri(0.5 + OUTSIDE / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (true - margin - rounding) / error
        below = (-true - margin - rounding) / error
        return ndtr(above - z) + ndtr(below - z)


def items_needed(design: Design, true: float, margin: float, rounding: float) -> int | None:
    """The least number of items with a clear verdict at a chance of ``WANTED``.

    ``None`` where all the items there are do not give it: a difference near the margin, or runs
    that differ too much.
    """
    chance = chance_reproduced if abs(true) < margin else chance_not_reproduced

    def enough(factor: float) -> bool:
        error = design.error(factor)
        return bool(error == 0 or chance(error, true, margin, rounding) >= WANTED)

    low, high = 0.0, design.most
    if not enough(high):
        return None
    # Halving the range of factors until no pool's whole number of items can lie between.
    while (high - low) * float(design.counts.max()) > 0.25:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return int(design.asked(high).sum())
