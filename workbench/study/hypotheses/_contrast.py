"""The difference of a mean between suspect and fresh items, with items in clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Contrast:
    """A difference of two means, its standard error, and the degrees of freedom behind it."""

    value: float
    error: float
    freedom: int

    def interval(self, level: float) -> tuple[float, float]:
        """Student's t interval."""
        from workbench.evaluate.intervals import t_quantile

        reach = t_quantile(self.freedom, level) * self.error
        return self.value - reach, self.value + reach


def contrast(
    values: npt.NDArray[np.float64], suspect: npt.NDArray[np.bool_], clusters: Sequence[str]
) -> Contrast:
    """The mean over suspect items less that over the others, [items] each.

    An item's pull on the difference is its deviation from its own side's mean over that side's
    count; pulls are summed within a cluster before squaring (Miller 2024, arXiv 2411.00640, eq. 4),
    so that a suspect item and its fresh variant, in one cluster, count as a pair. The degrees of
    freedom are those of the side with fewer clusters.

    Raises:
        ValueError: a side has fewer than two clusters.
    """
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sides = [len(np.unique(index[side])) for side in (suspect, ~suspect)]
    if min(sides) < 2:
        raise ValueError("a difference takes two clusters of items on each side")
    means = [float(values[side].mean()) for side in (suspect, ~suspect)]
    pulls = np.where(
        suspect,
        (values - means[0]) / suspect.sum(),
        (means[1] - values) / (~suspect).sum(),
    )
    sums = np.bincount(index, weights=pulls)
    variance = float(np.sum(sums**2)) * min(sides) / (min(sides) - 1)
    return Contrast(means[0] - means[1], math.sqrt(variance), min(sides) - 1)
