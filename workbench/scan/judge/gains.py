"""Paired gains over the base, with 95% intervals and p values, for all paths at once.

On one probe: right/wrong scores get Tango's interval and McNemar's exact test, other scores a
t-interval over the items' differences. Where no item differs from another a t-interval would be a
point; there the variance is set so that the half-width is Tango's for as many equal pairs,
``z² / (n + z²)``, times the span of the probe's scores.

Over all probes: gains in SDs of the map (see ``combine``), whose variances add. Items that two
probes share bring their covariance, if it is positive. Student's t with Satterthwaite's degrees of
freedom; with shared items, with those of the smallest probe.

A one-sided p is never below ``2^-k``, k the items that differ at all: what flipping their signs,
which is all that a paired sample allows without a further assumption, can reach. Student's t
would take five items gained and none lost for surer than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit
from scipy.stats import binom

from workbench.compare.differences import tango
from workbench.evaluate.intervals import normal_quantile
from workbench.scan.judge.combine import Flags, Floats, spread
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.pooled import covariance, influence, share_items

_MIN_ITEMS = 2


@dataclass(frozen=True)
class Gains:
    """The gain of every path, each field ``[paths]``; NaN where there is nothing to compare.

    ``low`` and ``high`` bound the 95% interval, ``error`` is the standard error, ``above`` the
    one-sided p against "no better than the base", ``p`` the two-sided one, ``n`` the items behind.
    """

    gain: Floats
    low: Floats
    high: Floats
    error: Floats
    above: Floats
    p: Floats
    n: np.ndarray

    def ci95(self, row: int) -> list[float] | None:
        """The 95% interval of one path; None where there is none."""
        low, high = float(self.low[row]), float(self.high[row])
        return [low, high] if np.isfinite(low) and np.isfinite(high) else None


def probe_gains(probe: ProbeScores, base: int) -> Gains:
    """Every path of ``probe`` against the path in row ``base``, over the items both were run on.

    An overflow counts as the worst score on its item (``ProbeScores.filled``).
    """
    differences, both = probe.differences(base)
    n = both.sum(axis=1)
    gain = np.divide(differences.sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
    if probe.right_or_wrong:
        gained, lost = (differences > 0).sum(axis=1), (differences < 0).sum(axis=1)
        low, high = _tango(gained, lost, n)
        above, p = _mcnemar(gained, lost)
        error = _agresti_min(gained, lost, n)
    else:
        error = _standard_error(differences, both, gain, n, probe.span)
        low, high, above, p = _student(
            gain, error, np.maximum(n - 1.0, 0.0), (differences != 0).sum(axis=1)
        )
    return _gains(base, n, gain, low, high, error, above, p)


def map_units(probes: Sequence[ProbeScores], gains: Sequence[Gains]) -> list[float]:
    """By probe the SD of the mean gain over the paths that did not overflow on it.

    Over all paths where fewer than two are left.
    """
    units = []
    for probe, of in zip(probes, gains, strict=True):
        clean = ~probe.overflowed.any(axis=1)
        units.append(spread(of.gain[clean] if clean.sum() > 1 else of.gain))
    return units


def combined_gains(
    probes: Sequence[ProbeScores], gains: Sequence[Gains], units: Sequence[float], base: int
) -> Gains:
    """The mean over ``probes`` of gain / unit, ``units`` being the SDs of the map by probe."""
    weights = np.array([1 / unit if unit > 0 else 0.0 for unit in units]) / len(units)
    gain = np.sum([w * g.gain for w, g in zip(weights, gains, strict=True)], axis=0)
    parts = np.array([(w * g.error) ** 2 for w, g in zip(weights, gains, strict=True)])
    counts = np.array([g.n for g in gains])
    variance = parts.sum(axis=0) + np.maximum(covariance(probes, base, weights), 0)
    heavy = weights > 0
    if share_items(probes):
        smallest = np.where(heavy[:, None], counts, np.iinfo(int).max).min(axis=0)
        freedom = np.maximum(smallest - 1.0, 0.0)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            per_probe = np.where(parts > 0, parts**2 / np.maximum(counts - 1.0, 1e-9), 0.0)
            freedom = variance**2 / per_probe.sum(axis=0)
    freedom = np.where(np.isfinite(freedom), freedom, 1.0)
    low, high, above, p = _student(
        gain,
        np.sqrt(variance),
        freedom,
        (influence(probes, base, weights) != 0).sum(axis=1),
    )
    return _gains(base, counts.sum(axis=0), gain, low, high, np.sqrt(variance), above, p)


def _standard_error(
    differences: Floats, both: Flags, gain: Floats, n: np.ndarray, span: float
) -> Floats:
    residuals = np.where(both, differences - gain[:, None], 0.0)
    freedom = np.maximum(n - 1.0, 1.0)
    variance = (residuals**2).sum(axis=1) / freedom
    error = np.sqrt(variance / np.maximum(n, 1))
    z2 = normal_quantile() ** 2
    floor = z2 / (n + z2) * span / stdtrit(freedom, 0.975)
    # Equal differences leave a variance of rounding errors.
    error = np.where(error <= 1e-9 * span, floor, error)
    return np.where(n < _MIN_ITEMS, np.nan, error)


def _student(
    gain: Floats, error: Floats, freedom: Floats, differing: np.ndarray
) -> tuple[Floats, Floats, Floats, Floats]:
    """Interval, one-sided and two-sided p by Student's t, the p values not below their floor."""
    known = np.isfinite(gain) & np.isfinite(error) & (freedom > 0)
    safe = np.where(known, freedom, 1.0)
    reach = stdtrit(safe, 0.975) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(gain == 0, 0.0, gain / error)
    floor = 0.5 ** np.minimum(differing, 1000).astype(float)
    above, below = np.maximum(stdtr(safe, -t), floor), np.maximum(stdtr(safe, t), floor)
    p = np.minimum(1.0, 2 * np.minimum(above, below))
    low, high = gain - reach, gain + reach
    values = (np.where(known, x, np.nan) for x in (low, high, above, p))
    low, high, above, p = values
    return low, high, above, p


def _tango(gained: np.ndarray, lost: np.ndarray, n: np.ndarray) -> tuple[Floats, Floats]:
    """Tango's interval for each path; most paths share their counts with many others."""
    cells, which = np.unique(np.stack([gained, lost, n], axis=1), axis=0, return_inverse=True)
    bounds = np.array(
        [tango(int(b), int(c), int(m)) if m else (np.nan, np.nan) for b, c, m in cells]
    )
    bounds = bounds.reshape(-1, 2)[which.reshape(-1)]
    return bounds[:, 0], bounds[:, 1]


def _mcnemar(gained: np.ndarray, lost: np.ndarray) -> tuple[Floats, Floats]:
    """McNemar's exact test: one-sided for a gain, and two-sided."""
    tosses = gained + lost
    above = binom.sf(gained - 1, tosses, 0.5)
    two_sided = np.minimum(1.0, 2 * binom.cdf(np.minimum(gained, lost), tosses, 0.5))
    return above, np.where(tosses > 0, two_sided, 1.0)


def _agresti_min(gained: np.ndarray, lost: np.ndarray, n: np.ndarray) -> Floats:
    """The standard error with half an item added to each cell, so that it is never 0.

    Agresti and Min (2005), Statistics in Medicine 24, 729-740.
    """
    size = n + 2.0
    error: Floats = np.sqrt(((gained + lost + 1) / size - ((gained - lost) / size) ** 2) / size)
    return error


def _gains(base: int, n: np.ndarray, *fields: Floats) -> Gains:
    """Fields in the order of :class:`Gains`; the base differs from itself by nothing, surely."""
    known = np.isfinite(fields[0]) & (n > 0)
    gain, low, high, error, above, p = (np.where(known, field, np.nan) for field in fields)
    if known[base]:
        gain[base] = low[base] = high[base] = error[base] = 0.0
        above[base] = p[base] = 1.0
    return Gains(gain, low, high, error, above, p, n)
