"""Intervals of means, medians and other statistics of rows that come in clusters, by the bootstrap.

Rows are drawn by whole clusters: with one kind of cluster those are drawn with replacement; with
two that cross (bases and submitters), each kind is drawn by itself and a row counts as often as the
product says, the pigeonhole bootstrap (Owen 2007, Ann. Appl. Stat. 1, 386-411), which is on the
careful side. Percentile intervals; with few clusters they are narrower than they should be, and
with fewer than ``FEWEST`` there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DRAWS = 1000
#: A kind of cluster with fewer members has nothing to draw from.
FEWEST = 4


@dataclass(frozen=True)
class Weights:
    """How often each row counts in each draw (draws by rows), and over how many clusters."""

    matrix: Array
    kinds: dict[str, int]

    @property
    def enough(self) -> bool:
        """Whether each kind has enough clusters for an interval."""
        return bool(self.kinds) and min(self.kinds.values()) >= FEWEST


def draw(kinds: Mapping[str, Sequence[object]], *, seed: int, draws: int = DRAWS) -> Weights:
    """Weights for rows that belong to one cluster of each kind."""
    rng = np.random.default_rng(seed)
    matrix: Array | None = None
    sizes = {}
    for name, labels in kinds.items():
        found, codes = np.unique([str(label) for label in labels], return_inverse=True)
        sizes[name] = len(found)
        times = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=draws)
        part = times[:, codes].astype(float)
        matrix = part if matrix is None else matrix * part
    assert matrix is not None
    # Draws in which no row is left say nothing.
    return Weights(matrix[matrix.sum(axis=1) > 0], sizes)


def means(values: Array, weights: Array) -> Array:
    """The weighted mean in each draw."""
    return np.asarray(weights @ values / weights.sum(axis=1))


def medians(values: Array, weights: Array) -> Array:
    """The weighted median in each draw: where half of the weight is reached, midway at a tie."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    reached = np.cumsum(weights[:, order], axis=1)
    half = reached[:, -1:] / 2
    low = np.argmax(reached >= half - 1e-9, axis=1)
    high = np.argmax(reached > half + 1e-9, axis=1)
    return (ranked[low] + ranked[high]) / 2


def interval(found: Array) -> list[float]:
    """The 95% percentile interval."""
    low, high = np.quantile(found[np.isfinite(found)], [0.025, 0.975])
    return [float(low), float(high)]


def summary(values: Array, weights: Weights) -> dict[str, Any]:
    """Median and mean with n and interval (``None`` where there are too few clusters)."""
    found: dict[str, Any] = {}
    for name, point, resampled in (
        ("median", float(np.median(values)), medians),
        ("mean", float(values.mean()), means),
    ):
        ci95 = interval(resampled(values, weights.matrix)) if weights.enough else None
        found[name] = {"value": point, "ci95": ci95, "n": len(values)}
    return found
