"""The study's intervals, verdicts and promised power on simulated studies; the long version is
tests/benchmarks/study_simulation.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.study.statistics.power import design_power
from workbench.study.statistics.simulate import SENSES, World, draw, outcome, sense_of

STUDIES = 1500
#: Four standard errors of a share of 95% of so many studies.
LUCK = 0.0225
MIXED = World((1, 3, 2), (2, 1, 3, 1), 0.04, 0.04)
FOUR = World((1, 3), (2, 1), 0.02, 0.02)
TWELVE = World((1, 2, 3, 1, 2, 3), (3, 1, 1, 1, 2, 2), 0.10, 0.05)
GAIN = sense_of("gain")


@pytest.mark.parametrize("world", [FOUR, MIXED, TWELVE], ids=["four", "seven", "twelve"])
def test_intervals_cover_and_nothing_is_told_where_nothing_is(world: World) -> None:
    rng = np.random.default_rng(0)
    for sense in SENSES:
        of = replace(world, compute_slope=0.03) if sense.held == "compute" else world
        studies = 150 if sense.held == "start" else STUDIES
        luck = LUCK * (STUDIES / studies) ** 0.5
        found = outcome(of, draw(of, studies, rng), sense)
        assert found.covers(0.0) == pytest.approx(0.955, abs=0.015 + luck)
        assert found.told.mean() <= 0.05 + luck
        if world is FOUR:
            assert not found.told.any()


def test_a_difference_is_covered_as_well() -> None:
    world = replace(MIXED, difference=0.1, compute_slope=0.03)
    drawn = draw(world, STUDIES, np.random.default_rng(1))
    for name in ("gain", "final_at_compute", "gain_at_compute"):
        found = outcome(world, drawn, sense_of(name))
        assert found.covers(0.1) == pytest.approx(0.955, abs=0.015 + LUCK)
        assert found.value.mean() == pytest.approx(0.1, abs=0.01)


def test_equivalence_is_rarely_said_of_a_difference_as_large_as_the_margin() -> None:
    world = replace(TWELVE, spread=0.015, base_spread=0.01, difference=0.05, items=2000)
    found = outcome(world, draw(world, STUDIES, np.random.default_rng(2)), GAIN)
    assert found.equivalent(0.05) <= 0.05 + LUCK
    none = replace(world, difference=0.0)
    assert outcome(none, draw(none, STUDIES, np.random.default_rng(3)), GAIN).equivalent(0.05) > 0.9


@pytest.mark.parametrize("world", [MIXED, replace(TWELVE, items=200, seeds=3)])
def test_power_is_as_promised(world: World) -> None:
    promised = design_power(
        {
            "asked": {f"a{k}": n for k, n in enumerate(world.inside)},
            "others": {f"o{k}": n for k, n in enumerate(world.outside)},
        },
        seeds=world.seeds,
        items=world.items,
        spread=world.spread,
        base_spread=world.base_spread,
        asked="asked",
        score=0.39,
    )
    assert promised.smallest is not None
    for times, power in ((0.5, dict(promised.curve)[promised.curve[2][0]]), (1.0, 0.8)):
        difference = times * promised.smallest
        of = replace(world, difference=difference, gain=world.gain - difference / 2)
        found = outcome(of, draw(of, STUDIES, np.random.default_rng(4)), GAIN)
        # A standard error of 0.013 here and of 0.01 in the promise.
        assert found.told.mean() == pytest.approx(power, abs=0.05)


def test_the_same_generator_draws_the_same_studies() -> None:
    first, second = (draw(MIXED, 2, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.after, second.after)
    assert first.after.shape == (2, len(MIXED.family), MIXED.seeds)
    assert ((first.before >= 0) & (first.before <= 1)).all()
