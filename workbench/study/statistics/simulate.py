"""Studies with a known difference, simulated: is the interval honest, and the power as promised?

Families' gains vary about their group's, bases' about their family's, seeds' about their base's,
and every item is right or wrong by chance, before and after with a correlation. What is drawn goes
through the study's own test, many studies at once, or one by one as a frame.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.mixed.nested import Effects
from workbench.study.statistics import gains
from workbench.study.statistics.model import Contrast
from workbench.study.statistics.senses import SENSES, Sense

if TYPE_CHECKING:
    import pandas as pd

#: The correlation of an item's two answers that the promised power assumes.
CORRELATION = 0.5
#: Deals of the permutation where there are more.
DEALS = 999

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """A design, what varies in it, and what is true.

    ``inside`` and ``outside`` list the number of bases of each family; ``spread`` is the SD of the
    gain between families, ``base_spread`` between bases of a family; ``start`` and ``gain`` are
    means of the score before and of the gain, ``start_spread`` the SD of the former (families and
    bases alike). The group asked about gains ``difference`` more; scores before rise by
    ``compute_slope`` for each unit of compute, of which that group has half a unit more. ``tail``
    is the shape of all deviations: ``skewed`` is an exponential distribution's.
    """

    inside: tuple[int, ...]
    outside: tuple[int, ...]
    spread: float
    base_spread: float
    seed_spread: float = 0.01
    seeds: int = 2
    items: int = 400
    difference: float = 0.0
    start: float = 0.35
    start_spread: float = 0.05
    gain: float = 0.2
    compute_slope: float = 0.0
    tail: Literal["normal", "skewed"] = "normal"

    @cached_property
    def family(self) -> npt.NDArray[np.int64]:
        """Each base's family, those of the group asked about first."""
        sizes = [*self.inside, *self.outside]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def asked(self) -> Array:
        """1 for the bases of the group asked about."""
        return (self.family < len(self.inside)).astype(float)

    @property
    def families(self) -> Factor:
        """The random factor."""
        return Factor("family", self.family, len(self.inside) + len(self.outside))


@dataclass(frozen=True)
class Drawn:
    """Scores of many studies (studies by bases; ``after`` has seeds last) and the compute of bases.

    ``before_a`` is the score on the other half of the items.
    """

    before: Array
    before_a: Array
    after: Array
    compute: Array


def draw(world: World, studies: int, rng: np.random.Generator) -> Drawn:
    """Studies of the world. Items' luck is shared by seeds, which differ by their own."""
    count, bases = world.families.levels, len(world.family)

    def vary(*shape: int) -> Array:
        if world.tail == "skewed":
            return rng.exponential(size=shape) - 1
        return rng.normal(size=shape)

    def levels(between: float, within: float, rows: int) -> Array:
        return between * vary(rows, count)[:, world.family] + within * vary(rows, bases)

    compute = levels(0.7, 0.7, 1)[0] + 0.5 * world.asked
    half = world.start_spread / np.sqrt(2)
    first = world.start + levels(half, half, studies) + world.compute_slope * compute
    gain = world.gain + world.difference * world.asked
    last = first + gain + levels(world.spread, world.base_spread, studies)
    p, q = np.clip(first, 0.01, 0.99), np.clip(last, 0.01, 0.99)
    both = p * q + CORRELATION * np.sqrt(p * (1 - p) * q * (1 - q))
    both = np.clip(both, np.maximum(0, p + q - 1), np.minimum(p, q))
    n = world.items
    right = rng.binomial(n, p)
    after = rng.binomial(right, both / p) + rng.binomial(n - right, (q - both) / (1 - p))
    seeds = world.seed_spread * vary(studies, bases, world.seeds)
    return Drawn(right / n, rng.binomial(n, p) / n, after[:, :, None] / n + seeds, compute)


def values(world: World, drawn: Drawn, sense: Sense) -> Array:
    """The bases' values in a sense, seeds averaged: studies by bases."""
    n = np.full_like(drawn.before, world.items)
    before, start = drawn.before, drawn.before_a
    if sense.outcome == "headroom":
        each = [
            gains.headroom_gain(before, after, start) for after in np.moveaxis(drawn.after, 2, 0)
        ]
    elif sense.outcome == "logit":
        first = gains.log_odds(start, n)
        each = [gains.log_odds(after, n) - first for after in np.moveaxis(drawn.after, 2, 0)]
    else:
        last = drawn.after.mean(axis=2)
        return last if sense.outcome == "final" else last - before
    return np.asarray(np.mean(each, axis=0))


@dataclass(frozen=True)
class Outcome:
    """What many studies found: the effects, and which of them told a difference."""

    value: Array
    error: Array
    df: int
    told: Mask

    def covers(self, truth: float) -> float:
        """The share of 95% intervals with the truth in them."""
        low, high = self._interval(0.95)
        return float(((low <= truth) & (truth <= high)).mean())

    def equivalent(self, margin: float) -> float:
        """The share of 90% intervals within the margins."""
        low, high = self._interval(0.9)
        return float(((low > -margin) & (high < margin)).mean())

    def apart(self) -> float:
        """The share of 95% intervals without zero."""
        return 1 - self.covers(0.0)

    def _interval(self, level: float) -> tuple[Array, Array]:
        return Effects(self.value, self.error, self.df, self.value).interval(level)


def outcome(world: World, drawn: Drawn, sense: Sense, *, alpha: float = 0.05) -> Outcome:
    """Every study through the test of :mod:`workbench.study.statistics.model`."""
    y = values(world, drawn, sense)
    if sense.held != "start":
        held = (drawn.compute,) if sense.held else ()
        return _through(Contrast(world.asked, world.families, held, most=DEALS), y, alpha)
    found = []
    for start, row in zip(drawn.before_a, y, strict=True):
        # Scores are shares of items: now and then the families' means tell the groups apart.
        with suppress(ValueError):
            contrast = Contrast(world.asked, world.families, (start,), most=DEALS)
            found.append(_through(contrast, row[None, :], alpha))
    return Outcome(
        np.concatenate([one.value for one in found]),
        np.concatenate([one.error for one in found]),
        found[0].df,
        np.concatenate([one.told for one in found]),
    )


def _through(contrast: Contrast, y: Array, alpha: float) -> Outcome:
    found = contrast.effects(y)
    return Outcome(found.value, found.error, found.df, contrast.differs(y, alpha))


def frame(world: World, drawn: Drawn, study: int) -> pd.DataFrame:
    """One of the studies as :mod:`workbench.study.scores.frame` has it, of one task."""
    import pandas as pd

    from workbench.study.scores.frame import complete

    rows = [
        {
            "base": f"base-{base:02}",
            "group": "asked" if world.asked[base] else "others",
            "asked": bool(world.asked[base]),
            "family": f"family-{family:02}",
            "task": "task",
            "treatment": "tuned",
            "seed": seed,
            "n": world.items,
            "before": drawn.before[study, base],
            "after": drawn.after[study, base, seed],
            "before_a": drawn.before_a[study, base],
            "compute": drawn.compute[base],
        }
        for base, family in enumerate(world.family)
        for seed in range(world.seeds)
    ]
    return complete(pd.DataFrame(rows))


def sense_of(name: str) -> Sense:
    """A sense by its name."""
    return next(sense for sense in SENSES if sense.name == name)
