"""The noise of one figure, and the interval that it leaves around a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Noise:
    """What makes a figure differ where nothing else does. Arrays of the same shape, or numbers.

    ``sampling`` holds the variance that each pool of items adds, estimated with ``freedom``
    degrees of freedom; ``skew`` is the third cumulant of them all. ``run`` is the variance between
    two runs, which is stated and not estimated. ``step`` is half of what one item moves the
    figure: a count takes no values between. ``lift`` is the most that floors can have raised it.
    """

    sampling: Sequence[Any]
    freedom: Sequence[float]
    skew: Any
    run: float
    step: float
    lift: Any

    @property
    def variance(self) -> Any:
        return np.asarray(sum(self.sampling) + self.run, dtype=float)

    @property
    def degrees(self) -> Any:
        """Degrees of freedom of the whole (Welch 1947, Satterthwaite 1946)."""
        pairs = zip(self.sampling, self.freedom, strict=True)
        estimated = np.asarray(sum(part**2 / max(each, 1) for part, each in pairs), dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            degrees = np.where(estimated > 0, self.variance**2 / estimated, np.inf)
        return np.maximum(degrees, 1.0)

    def interval(self, difference: Any, level: float, rounding: float) -> tuple[Any, Any]:
        """The two-sided interval at ``level``, widened on both sides by ``rounding``.

        Few right answers in a sample understate both the mean and its error, so the interval is
        moved against the skewness (Hall 1992, J. R. Stat. Soc. B 54, 221-228, the first order of
        his correction): without that, a test at 5% errs in up to 12% near 0 and 1.
        """
        quantile = student(self.degrees, 0.5 + level / 2)
        half = quantile * np.sqrt(self.variance) + self.step + rounding
        centre = difference + self.shift(quantile)
        return centre - half - self.lift, centre + half

    def shift(self, quantile: Any) -> Any:
        """How far skewness moves the ends of an interval."""
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = self.skew / (6 * self.variance) * (1 + 2 * quantile**2)
        return np.where(self.variance > 0, moved, 0.0)


def student(freedom: Any, share: float) -> Any:
    """Student's quantile below which ``share`` lies; the normal's at infinite ``freedom``."""
    from scipy.special import ndtri, stdtrit

    finite = np.where(np.isinf(freedom), 1.0, freedom)
    return np.where(np.isinf(freedom), ndtri(share), stdtrit(finite, share))
