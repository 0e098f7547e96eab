"""Looking several times at one comparison without being misled: group-sequential boundaries.

Who looks five times at growing data and stops at the first 95% interval without zero finds a
difference where there is none in 14% of cases instead of 5% (Armitage, McPherson and Rowe 1969).
Here a spending function says how much of the error each look may use (Lan and DeMets 1983,
Biometrika 70, 659-663), and the boundary of each look follows exactly, by numerical integration of
the density of the statistic on all paths that have not crossed yet (Armitage et al. 1969, J. R.
Stat. Soc. A 132, 235-244; Jennison and Turnbull 2000, Group Sequential Methods, ch. 19). The
statistic of a mean over growing samples behaves as Brownian motion seen at the fractions of items.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from workbench.evaluate.config import Spending

#: Nodes of the integration over the statistic's density: boundaries are right to six decimals.
_NODES = 160
#: Where a side has no boundary, the density is cut off at so many standard deviations.
_FAR = 9.0
#: A look whose share of the error is below this can not stop anything.
_NOTHING = 1e-13


def spent(fraction: float, alpha: float, spending: Spending) -> float:
    """How much of a one-sided ``alpha`` may be used up once ``fraction`` of the items are scored.

    ``obrien-fleming``: ``2 (1 - Φ(z / √fraction))`` with ``z`` the ``1 - alpha / 2`` quantile, next
    to nothing early on. ``pocock``: ``alpha ln(1 + (e - 1) fraction)``, about alike at each look.
    Lan and DeMets (1983).

    Raises:
        ValueError: ``fraction`` is outside (0, 1].
    """
    from scipy.special import ndtr, ndtri

    if not 0 < fraction <= 1:
        raise ValueError(f"a fraction of {fraction}")
    if fraction == 1:
        return alpha
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1) * fraction)
    return 2 * float(ndtr(ndtri(alpha / 2) / math.sqrt(fraction)))


@functools.lru_cache(maxsize=256)
def boundaries(
    fractions: tuple[float, ...],
    alpha: float = 0.05,
    spending: Spending = "obrien-fleming",
    sides: Literal[1, 2] = 2,
) -> tuple[float, ...]:
    """What |z| (``sides`` 2) or z (1) must reach at each look; infinite where it can not stop.

    ``fractions`` are the shares of all planned items at each look, rising to at most 1. ``alpha``
    is the error of all looks together; with two sides each spends half of it.

    Raises:
        ValueError: the fractions do not rise within (0, 1], or alpha is not within (0, 1).
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    _check(fractions)
    if not 0 < alpha < 1:
        raise ValueError(f"an alpha of {alpha}")
    found: list[float] = []
    walk = _Walk(sides)
    before = 0.0
    for fraction in fractions:
        total = spent(fraction, alpha / sides, spending)
        share, before = total - before, total
        walk.go_to(fraction)
        if share < _NOTHING:
            bound = math.inf
        else:
            high = max(_FAR, 1 - float(ndtri(share)))
            bound = float(brentq(lambda z, s=share: walk.above(z) - s, -_FAR, high, xtol=1e-10))
        walk.keep_below(bound)
        found.append(bound)
    return tuple(found)


def crossing(
    bounds: Sequence[float],
    fractions: Sequence[float],
    *,
    sides: Literal[1, 2] = 2,
    drift: float = 0.0,
) -> tuple[float, ...]:
    """The probability, for each look, that the statistic is beyond its boundary there first.

    ``drift`` is the statistic's mean at fraction 1: 0 gives false positives, 3.24 is what a test of
    one look finds with a power of 90%.
    """
    _check(fractions)
    walk = _Walk(sides, drift)
    found = []
    for bound, fraction in zip(bounds, fractions, strict=True):
        walk.go_to(fraction)
        found.append(walk.above(bound) + (walk.below(-bound) if sides == 2 else 0.0))
        walk.keep_below(bound)
    return tuple(found)


def repeated_p(
    p: float,
    look: int,
    fractions: tuple[float, ...],
    spending: Spending = "obrien-fleming",
) -> float:
    """The two-sided ``p`` of a look by itself as one that allows for all looks: never smaller.

    The smallest total error at which the boundary of that look (1 is the first) would be reached:
    Jennison and Turnbull (2000), ch. 9. Capped at 1.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if p >= 1:
        return 1.0
    z = -float(ndtri(p / 2)) if p > 0 else math.inf

    def beyond(alpha: float) -> float:
        return min(boundaries(fractions, alpha, spending)[look - 1], 40.0) - min(z, 39.0)

    least, most = 1e-9, 1 - 1e-6
    if beyond(most) > 0:
        return 1.0
    if beyond(least) < 0:
        return max(p, least)
    return max(p, float(brentq(beyond, least, most, xtol=1e-9, rtol=1e-4)))


def _check(fractions: Sequence[float]) -> None:
    steps = [0.0, *fractions]
    rising = all(b > a for a, b in itertools.pairwise(steps))
    if not fractions or not rising or fractions[-1] > 1 + 1e-12:
        raise ValueError(f"looks at {fractions}: shares must rise from above 0 to at most 1")


class _Walk:
    """Brownian motion on the paths that have not crossed: weights at quadrature nodes."""

    def __init__(self, sides: int, drift: float = 0.0) -> None:
        self._sides = sides
        self._drift = drift
        self._nodes, self._weights = np.polynomial.legendre.leggauss(_NODES)
        self._places, self._mass = np.zeros(1), np.ones(1)
        self._before = self._now = 0.0

    def go_to(self, fraction: float) -> None:
        self._before, self._now = self._now, fraction

    def _ahead(self) -> tuple[np.ndarray, float]:
        step = self._now - self._before
        return self._places + self._drift * step, math.sqrt(step)

    def above(self, z: float) -> float:
        """The probability of being above ``z`` at the look that was gone to."""
        from scipy.special import ndtr

        means, deviation = self._ahead()
        level = z * math.sqrt(self._now)
        return float(self._mass @ ndtr((means - level) / deviation))

    def below(self, z: float) -> float:
        from scipy.special import ndtr

        means, deviation = self._ahead()
        level = z * math.sqrt(self._now)
        return float(self._mass @ ndtr((level - means) / deviation))

    def keep_below(self, z: float) -> None:
        """Go on with the paths below ``z`` (above ``-z`` too, with two sides)."""
        means, deviation = self._ahead()
        root = math.sqrt(self._now)
        middle = self._drift * self._now
        reach = middle + _FAR * root
        high = min(z * root, reach)
        low = max(-z * root, middle - _FAR * root) if self._sides == 2 else middle - _FAR * root
        places = (high - low) / 2 * self._nodes + (high + low) / 2
        away = (places[:, None] - means[None, :]) / deviation
        density = np.exp(-0.5 * away**2) @ self._mass / (deviation * math.sqrt(2 * math.pi))
        self._places, self._mass = places, density * self._weights * (high - low) / 2
