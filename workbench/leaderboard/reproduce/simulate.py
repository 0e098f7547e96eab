"""The verdict's error rates and power, found by running it on made answers.

The made world has our own answers for its population, tiled to the size of each set; every draw
turns a share of them over, takes a sample without replacement and runs the same test as
:func:`~workbench.leaderboard.reproduce.equivalence.compare`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.leaderboard.reproduce.difference import (
    Measured,
    Pool,
    half_step,
    lift,
    moments_of,
    run_variance,
    sampling_skew,
    sampling_variance,
)
from workbench.leaderboard.reproduce.equivalence import INSIDE, OUTSIDE, is_inside, is_outside
from workbench.leaderboard.reproduce.noise import Noise
from workbench.leaderboard.reproduce.power import Design

DRAWS = 1000
#: Where the power curve is taken, as shares of all items: closer where verdicts become clear.
SHARES = (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1)


@dataclass(frozen=True)
class Rates:
    """How often each verdict came out of ``draws``, when ``true`` was the difference."""

    n: int
    true: float
    reproduced: float
    not_reproduced: float
    draws: int


def power_curve(
    measured: Measured, rounding: float, *, margin: float, flips: float, seed: int
) -> list[Rates]:
    """The rates over numbers of items: at a true difference of 0, of the margin and of twice it.

    From a 16th of all items to all of them, every task's sample growing alike.
    """
    generator = np.random.default_rng(seed)
    design = Design.of(measured, flips)
    factors = design.most * np.array(SHARES)
    return [
        simulate(
            measured,
            rounding,
            margin=margin,
            flips=flips,
            true=true,
            asked=list(asked),
            generator=generator,
        )
        for asked in _each_once(design, factors)
        for true in (0.0, margin, 2 * margin)
    ]


def _each_once(design: Design, factors: np.ndarray) -> list[np.ndarray]:
    # A spread needs two items.
    asked = np.minimum(np.maximum(design.asked(factors), 2), design.sets)
    return list({int(row.sum()): row for row in asked}.values())


def simulate(
    measured: Measured,
    rounding: float,
    *,
    margin: float,
    flips: float,
    true: float,
    asked: Sequence[Any],
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> Rates:
    """The verdict over ``draws`` evaluations of ``asked`` items of each pool.

    Theirs is the made world's figure less ``true``, rounded.
    """
    theirs = measured.value - true
    if rounding:
        theirs = round(theirs / (2 * rounding)) * 2 * rounding
    shifts: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    skew: Any = 0.0
    run = {pool.task: run_variance(pool, flips) for pool in measured.pools}
    for pool, n in zip(measured.pools, asked, strict=True):
        shifts[pool.task], (second, third) = _answers(pool, int(n), flips, draws, generator)
        sampling[pool.task] = sampling_variance(second, n, pool.of)
        skew = skew + sampling_skew(third, n, pool.of)
    value, means = _figures(measured, shifts)
    noise = Noise(
        sampling=list(sampling.values()),
        freedom=[n - 1 for n in asked],
        skew=skew,
        run=sum(run.values()),
        step=half_step(measured.pools, asked),
        lift=lift(measured.formula, means, {name: sampling[name] + run[name] for name in run}),
    )
    ci90, ci95 = (noise.interval(value - theirs, level, rounding) for level in (INSIDE, OUTSIDE))
    return Rates(
        n=int(sum(asked)),
        true=true,
        reproduced=float(np.mean(is_inside(ci90, margin))),
        not_reproduced=float(np.mean(is_outside(ci95, margin))),
        draws=draws,
    )


def _answers(
    pool: Pool, n: int, flips: float, draws: int, generator: np.random.Generator
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """For each draw, how far the sample moves the figure, and the moments seen in it."""
    values, counts = np.unique(pool.effects, return_counts=True)
    population = _tiled(counts, pool.of)
    sampled = generator.multivariate_hypergeometric(population, n, size=draws, method="marginals")
    turned = generator.binomial(pool.of, flips, size=draws)
    gained = generator.binomial(turned, 0.5)
    run = np.sqrt(pool.square) * (2 * gained - turned) / pool.of
    centre = (population * values).sum() / pool.of
    shift = (sampled * values).sum(axis=-1) / n - centre + run
    # Made-up items lie at the ends of the scale, which moves with the mean of the sample.
    away = values - shift[:, None]
    return shift, moments_of(away, sampled, pool.wrong - shift, pool.right - shift)


def _tiled(counts: np.ndarray, of: int) -> np.ndarray:
    """``of`` items in the proportions of ``counts``, by largest remainder."""
    exact = counts * of / counts.sum()
    whole = np.floor(exact).astype(int)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: of - int(whole.sum())]] += 1
    return whole


def _figures(measured: Measured, shifts: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The figure of each draw and its tasks' means."""
    formula = measured.formula
    slopes = formula.slopes()
    means: dict[str, Any] = dict(measured.means)
    beside: Any = 0.0
    for name, shift in shifts.items():
        own = [task for task in formula.tasks if task.partition("/")[0] == name]
        if len(own) == 1:
            means[own[0]] = measured.means[own[0]] + shift / slopes[own[0]]
        else:
            # Several metrics of one set have no floor: they move the figure in proportion.
            beside = beside + shift
    return formula.value(means) + beside, means
