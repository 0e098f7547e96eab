"""What a design can tell: the smallest difference between groups that it would find.

Studies of the design are simulated and put to the study's own test
(:mod:`workbench.study.statistics.model`), interval and permutation. A family's gain varies about
its group's by ``spread``, a base's about its family's by ``base_spread``, a seed's about its base's
by ``seed_spread``; an item that is right or wrong by chance adds ``score (1 - score) / items``, the
variance of a paired difference whose two answers agree half-way (a correlation of 0.5) beyond what
the bases share.

In the data of arXiv 2407.07890 bases vary about their family's mean gain about as much as families
vary about the mean (0.7 to 2.1 times over the six tasks), which is the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.compare.mixed.levels import Array, Factor
from workbench.study.statistics.model import Contrast, cannot

#: Studies simulated for a point of the curve: the power's standard error is below 0.011.
STUDIES = 2000
#: Deals of the permutation where there are more: enough for a p of 0.05.
DEALS = 999
SEED = 0
#: Of the bracket, 15% wide at most: to a thousandth of the difference.
HALVINGS = 7
SEED_SPREAD = 0.01


@dataclass(frozen=True)
class Power:
    """What a design can tell.

    ``smallest`` is the difference (in score, 0 to 1) found at the power asked for, ``None`` where
    no difference is; ``reason`` then says why. ``curve`` pairs differences with the power to find
    them; ``more`` says what two more families a group, and two more seeds, would bring.
    """

    smallest: float | None
    can_answer: bool
    reason: str
    curve: tuple[tuple[float, float], ...]
    more: tuple[str, ...]


@dataclass(frozen=True)
class Noise:
    """Standard deviations of a base's gain: between families, and between bases of a family."""

    family: float
    base: float


def noise(
    *,
    seeds: int,
    items: int,
    spread: float,
    base_spread: float | None = None,
    seed_spread: float = SEED_SPREAD,
    score: float = 0.5,
) -> Noise:
    """What the means of ``seeds`` runs, scored on ``items`` items, vary by."""
    base = spread if base_spread is None else base_spread
    chance = score * (1 - score) / max(1, items)
    return Noise(spread, float((base**2 + seed_spread**2 / max(1, seeds) + chance) ** 0.5))


def design_power(
    groups: Mapping[str, Mapping[str, int]],
    *,
    seeds: int,
    items: int,
    spread: float,
    asked: str,
    base_spread: float | None = None,
    seed_spread: float = SEED_SPREAD,
    score: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Power:
    """The smallest difference in gain between ``asked`` and the rest found with ``power``.

    ``groups`` gives each group's families and how many bases each has; ``items`` is the number that
    the outcome rests on (half of the suite's, where it is halved). Groups other than ``asked``
    count as one. Repeatable: the same design gives the same numbers.

    Raises:
        ValueError: there is no group ``asked``.
    """
    if asked not in groups:
        raise ValueError(f"no group is called {asked!r}: {', '.join(groups) or 'there is none'}")
    inside = _sizes(groups[asked])
    outside = [n for name in groups if name != asked for n in _sizes(groups[name])]

    def of(a: list[int], b: list[int], times: int) -> _Sought:
        varies = noise(
            seeds=times,
            items=items,
            spread=spread,
            base_spread=base_spread,
            seed_spread=seed_spread,
            score=score,
        )
        return _sought(a, b, varies, alpha, power)

    found = of(inside, outside, seeds)
    wider = of(_more(inside), _more(outside), seeds)
    longer = of(inside, outside, seeds + 2)
    more = (
        f"two more families in each group ({len(inside) + 2} and {len(outside) + 2}): "
        + _brought(found, wider),
        f"two more seeds ({seeds + 2}): " + _brought(found, longer),
    )
    curve: tuple[tuple[float, float], ...] = ()
    if found.smallest is not None and found.at is not None:
        steps = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
        curve = tuple(
            (round(step * found.smallest, 4), round(found.at(step * found.smallest), 4))
            for step in steps
        )
    return Power(found.smallest, found.smallest is not None, found.reason, curve, more)


@dataclass(frozen=True)
class _Sought:
    smallest: float | None
    reason: str
    at: PowerAt | None = None


def _sizes(families: Mapping[str, int]) -> list[int]:
    return [number for number in families.values() if number > 0]


def _more(sizes: list[int]) -> list[int]:
    """Two families more, of as many bases as the middle one has."""
    middle = sorted(sizes)[len(sizes) // 2] if sizes else 1
    return [*sizes, middle, middle]


def _brought(now: _Sought, then: _Sought) -> str:
    if then.smallest is None:
        return f"still no answer ({then.reason})"
    found = f"would find {100 * then.smallest:.1f} points"
    return found if now.smallest is None else f"{found} in place of {100 * now.smallest:.1f}"


def _sought(
    inside: list[int], outside: list[int], varies: Noise, alpha: float, power: float
) -> _Sought:
    reason = cannot(len(inside), len(outside), alpha)
    if reason:
        return _Sought(None, reason)
    at = power_at(inside, outside, varies, alpha)
    if at(1.0) < power:
        return _Sought(None, "with such a spread not even a difference of 100 points is found", at)
    # The interval alone finds it from here on; the permutation can only ask for more.
    low = high = at.by_interval(power)
    while at(high) < power:
        low, high = high, min(1.0, 1.15 * high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if at(middle) >= power else (middle, high)
    return _Sought(round(high, 4), "", at)


class PowerAt:
    """The power as a function of the true difference, over the same simulated studies.

    A true difference moves every estimate by as much and leaves its error as it is, so that only
    the permutation has to be done anew.
    """

    def __init__(self, contrast: Contrast, values: Array, alpha: float) -> None:
        self._contrast, self._values, self._alpha = contrast, values, alpha
        self._low, self._high = contrast.effects(values).interval(1 - alpha)

    def __call__(self, difference: float) -> float:
        apart = (self._low + difference > 0) | (self._high + difference < 0)
        moved = self._values[apart] + difference * self._contrast.asked
        if not len(moved):
            return 0.0
        found = self._contrast.permuted(moved) <= self._alpha
        return float(found.sum() / len(self._values))

    def by_interval(self, power: float) -> float:
        """The difference that so large a share of intervals excludes, whatever the permutation."""
        return float(np.quantile(-self._low, power))


def power_at(
    inside: list[int],
    outside: list[int],
    varies: Noise,
    alpha: float,
    *,
    studies: int = STUDIES,
    seed: int = SEED,
) -> PowerAt:
    """Studies without a difference, simulated, to be asked for their power at any.

    ``inside`` and ``outside`` list the number of bases of each family.
    """
    rng = np.random.default_rng(seed)
    sizes = [*inside, *outside]
    family = np.repeat(np.arange(len(sizes)), sizes)
    asked = (family < len(inside)).astype(float)
    contrast = Contrast(asked, Factor("family", family, len(sizes)), seed=seed, most=DEALS)
    values: Array = rng.normal(0, varies.family, (studies, len(sizes)))[:, family]
    values = values + rng.normal(0, varies.base, (studies, len(family)))
    return PowerAt(contrast, values, alpha)
