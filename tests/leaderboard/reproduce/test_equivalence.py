"""The equivalence test against naive code, other libraries and its own promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.weightstats import DescrStatsW

from workbench.evaluate.result import Evaluation
from workbench.leaderboard.reproduce.difference import Measured
from workbench.leaderboard.reproduce.difference import measure as measure_items
from workbench.leaderboard.reproduce.equivalence import compare, overall
from workbench.leaderboard.reproduce.formula import Formula, Part, formulas, mean_of, plain
from workbench.leaderboard.reproduce.items import Items
from workbench.leaderboard.reproduce.power import Design, chance_reproduced, items_needed
from workbench.leaderboard.reproduce.simulate import power_curve, simulate

from .conftest import Make, make_evaluation


def measure(evaluation: Evaluation, formula: Formula) -> Measured:
    return measure_items(Items(evaluation), formula)


def _right(k: int, n: int) -> list[float]:
    return [1.0] * k + [0.0] * (n - k)


def test_all_items_leave_only_the_run_and_the_rounding(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(300, 500)}), plain("t"))
    found = compare(measured, 0.59, 0.005, margin=0.03, flips=0.05)
    half = norm.ppf(0.95) * math.sqrt(0.05 / 500) + 0.5 / 500 + 0.005
    assert found.difference == pytest.approx(0.01)
    assert found.interval(0.90) == pytest.approx((0.01 - half, 0.01 + half))
    assert (found.n, found.of) == (500, 500)


def test_few_of_very_many_items_is_the_one_sample_test(evaluation: Make) -> None:
    scores = _right(1200, 2000)
    measured = measure(evaluation({"t": scores}, {"t": 10**9}), plain("t"))
    found = compare(measured, 0.6, 0.0, margin=0.03, flips=0.0)
    # Statsmodels' two one-sided tests are at 5% each just where its 90% interval is inside.
    low, high = DescrStatsW(np.array(scores) - 0.6).tconfint_mean(alpha=0.1)
    assert found.interval(0.90) == pytest.approx((low, high), abs=4e-4)
    p, *_ = DescrStatsW(np.array(scores) - 0.6).ttost_mean(-0.03, 0.03)
    assert (found.verdict == "reproduced") == (p < 0.05)


@pytest.mark.parametrize(
    ("right", "theirs", "verdict"),
    [
        (600, 0.6, "reproduced"),
        (600, 0.72, "not reproduced"),
        (600, 0.48, "not reproduced"),
        (600, 0.635, "cannot tell"),
    ],
)
def test_verdicts(evaluation: Make, right: int, theirs: float, verdict: str) -> None:
    measured = measure(evaluation({"t": _right(right, 1000)}), plain("t"))
    assert compare(measured, theirs, 0.0005, margin=0.03, flips=0.05).verdict == verdict


def test_a_figure_printed_to_no_decimals_tells_less(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(600, 1000)}), plain("t"))
    exact = compare(measured, 0.6, 0.0005, margin=0.03, flips=0.05)
    coarse = compare(measured, 0.6, 0.05, margin=0.03, flips=0.05)
    assert exact.verdict == "reproduced"
    assert coarse.verdict == "cannot tell"


def test_ten_right_of_ten_leave_doubt(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(10, 10)}, {"t": 1000}), plain("t"))
    low, high = compare(measured, 1.0, 0.0, margin=0.05, flips=0.0).interval(0.90)
    assert low < -0.1
    assert compare(measured, 1.0, 0.0, margin=0.05, flips=0.0).verdict == "cannot tell"
    assert high >= 0


# -- error rates ---------------------------------------------------------------------------------


def _naive_rates(
    size: int, asked: int, true: float, margin: float, flips: float, draws: int
) -> tuple[float, float]:
    """Verdicts on evaluations made item by item, no code of the package in the making."""
    random = np.random.default_rng(size + asked)
    reproduced = outside = 0
    for _ in range(draws):
        theirs = np.zeros(size)
        theirs[random.permutation(size)[: size // 2]] = 1
        ours = theirs.copy()
        # The systematic difference: so many wrong answers become right.
        ours[random.permutation(np.flatnonzero(ours == 0))[: round(true * size)]] = 1
        # As many turn right as turn wrong, but for chance.
        share = flips / 2 / np.where(ours == 1, ours.mean(), 1 - ours.mean())
        ours = np.where(random.random(size) < share, 1 - ours, ours)
        chosen = random.permutation(size)[:asked]
        found = compare(
            measure(make_evaluation({"t": list(ours[chosen])}, {"t": size}), plain("t")),
            round(float(theirs.mean()), 3),
            0.0005,
            margin=margin,
            flips=flips,
        )
        reproduced += found.verdict == "reproduced"
        outside += found.verdict == "not reproduced"
    return reproduced / draws, outside / draws


@pytest.mark.parametrize(("size", "asked"), [(400, 400), (400, 330)])
def test_at_the_margin_at_most_one_in_twenty_is_called_reproduced(size: int, asked: int) -> None:
    draws = 300
    reproduced, outside = _naive_rates(size, asked, 0.06, 0.06, 0.05, draws)
    assert reproduced <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / draws)
    assert outside <= 0.025 + 2.6 * math.sqrt(0.025 * 0.975 / draws)


def test_an_entry_that_holds_is_found_to_hold() -> None:
    reproduced, outside = _naive_rates(400, 400, 0.0, 0.06, 0.05, 100)
    assert reproduced > 0.95
    assert outside == 0


@pytest.mark.parametrize("size", [40, 300, 1200])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_error_rates_hold_for_small_sets_and_scores_near_the_ends(size: int, share: float) -> None:
    generator = np.random.default_rng(11)
    evaluation = make_evaluation({"t": _right(round(size * share), size)})
    measured = measure(evaluation, plain("t"))
    draws = 2000
    for asked in (size // 10 + 4, size // 2, size * 9 // 10, size):
        for margin in (0.03, 0.2):
            for true in (margin, -margin):
                rates = simulate(
                    measured,
                    0.0005,
                    margin=margin,
                    flips=0.05,
                    true=true,
                    asked=[asked],
                    generator=generator,
                    draws=draws,
                )
                assert rates.reproduced <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)
                assert rates.not_reproduced <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / draws)


def _at_floor(of: int, asked: int, floors: list[float]) -> tuple[Formula, dict[str, list[float]]]:
    formula = Formula(
        tuple(Part(f, 100 / len(floors), {f"b{i}": 1.0}) for i, f in enumerate(floors))
    )
    answers = {f"b{i}": _right(round(of * f), of) for i, f in enumerate(floors)}
    return formula, answers


@pytest.mark.parametrize("asked", [25, 100, 250])
def test_error_rates_hold_where_every_task_lies_at_its_floor(asked: int) -> None:
    # What floors cut off lifts every one of 24 tasks: averaging does not take that away.
    formula, answers = _at_floor(250, asked, [1 / 2] * 10 + [1 / 5] * 7 + [1 / 10] * 7)
    measured = measure(make_evaluation(answers), formula)
    generator = np.random.default_rng(3)
    for margin in (3.0, 8.0):
        for true in (margin, -margin):
            rates = simulate(
                measured,
                0.005,
                margin=margin,
                flips=0.05,
                true=true,
                asked=[asked] * 24,
                generator=generator,
            )
            assert rates.reproduced <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / rates.draws)
            assert rates.not_reproduced <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / rates.draws)


# -- how many items would tell -------------------------------------------------------------------


def test_items_needed_is_the_least_that_gives_eighty_per_cent(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(60, 100)}, {"t": 2000}), plain("t"))
    design = Design.of(measured, 0.05)
    needed = items_needed(design, 0.0, 0.03, 0.0005)
    assert needed is not None
    spread, run = measured.pools[0].moments[0], 0.05 / 2000

    def chance(n: int) -> float:
        error = math.sqrt((1 - n / 2000) * spread / n + run)
        return 2 * norm.cdf((0.03 - 0.0005) / error - norm.ppf(0.95)) - 1

    assert chance(needed) >= 0.8 > chance(needed - 2)


def test_items_needed_by_simulation(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(60, 100)}, {"t": 2000}), plain("t"))
    needed = items_needed(Design.of(measured, 0.05), 0.0, 0.03, 0.0005)
    assert needed is not None
    rates = simulate(
        measured,
        0.0005,
        margin=0.03,
        flips=0.05,
        true=0.0,
        asked=[needed],
        generator=np.random.default_rng(0),
        draws=4000,
    )
    assert rates.reproduced == pytest.approx(0.8, abs=0.03)


def test_a_difference_at_the_margin_needs_more_than_the_set_has(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(60, 100)}, {"t": 2000}), plain("t"))
    design = Design.of(measured, 0.05)
    assert items_needed(design, 0.03, 0.03, 0.0005) is None
    assert items_needed(design, 0.0299, 0.03, 0.0005) is None
    # And runs that differ on every fifth item never agree to within a hundredth.
    assert items_needed(Design.of(measured, 0.2), 0.0, 0.01, 0.0005) is None


def test_the_curve_rises_with_items_and_never_passes_an_entry_at_the_margin(
    evaluation: Make,
) -> None:
    measured = measure(evaluation({"t": _right(300, 500)}), plain("t"))
    curve = power_curve(measured, 0.0005, margin=0.05, flips=0.05, seed=4)
    assert curve == power_curve(measured, 0.0005, margin=0.05, flips=0.05, seed=4)
    same = [rates for rates in curve if rates.true == 0]
    assert same[-1].n == 500
    assert same[-1].reproduced > 0.99 > 0.05 > same[0].reproduced
    # The formula that items_needed uses says the same as the draws.
    design = Design.of(measured, 0.05)
    for rates in same:
        expected = chance_reproduced(design.error(rates.n / 500), 0.0, 0.05, 0.0005 + 0.001)
        assert rates.reproduced == pytest.approx(float(expected), abs=0.06)
    assert all(r.reproduced <= 0.05 + 3 * 0.0069 for r in curve if r.true == 0.05)
    assert [r.not_reproduced for r in curve if r.true == 0.1][-1] > 0.95


# -- from answers to points ----------------------------------------------------------------------


def test_the_published_figures_of_a_known_entry() -> None:
    # RYS-XLarge in the final table: counts of right answers and the points made of them.
    means = {
        "leaderboard_ifeval": 413 / 541,
        "leaderboard_ifeval/inst_level_strict_acc": 697 / 834,
        "leaderboard_musr_murder_mysteries": 160 / 250,
        "leaderboard_musr_object_placements": 97 / 256,
        "leaderboard_musr_team_allocation": 118 / 250,
        "leaderboard_mmlu_pro": 6531 / 12032,
    }
    found = formulas(means, "leaderboard-v2")
    assert set(found) == {"ifeval", "musr", "mmlu_pro"}
    assert found["ifeval"].value(means) == pytest.approx(79.957, abs=5e-4)
    assert found["musr"].value(means) == pytest.approx(23.721, abs=5e-4)
    assert found["mmlu_pro"].value(means) == pytest.approx(49.200, abs=5e-4)


def test_prompts_and_their_instructions_are_drawn_together(evaluation: Make) -> None:
    random = np.random.default_rng(8)
    several = [[float(random.random() < 0.7) for _ in range(1 + i % 3)] for i in range(120)]
    prompts = [float(all(each)) for each in several]
    task, beside = "leaderboard_ifeval", "leaderboard_ifeval/inst_level_strict_acc"
    made = evaluation({task: prompts, beside: several}, {task: 541, beside: 1082})
    measured = measure(made, formulas(made.scores, "leaderboard-v2")["ifeval"])
    (pool,) = measured.pools
    assert (pool.n, pool.of) == (120, 541)
    assert pool.effects.mean() == pytest.approx(0, abs=1e-9)

    def points(chosen: np.ndarray) -> float:
        rows = [x for i in chosen for x in several[i]]
        return float(50 * np.mean([prompts[i] for i in chosen]) + 50 * np.mean(rows))

    assert measured.value == pytest.approx(points(np.arange(120)))
    drawn = [points(random.integers(0, 120, 120)) for _ in range(3000)]
    assert math.sqrt(pool.moments[0] / 120) == pytest.approx(np.std(drawn), rel=0.06)


@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.floats(0.1, 3), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=60, deadline=None)
def test_a_formula_is_its_definition(parts: list[tuple[float, float, float, float]]) -> None:
    formula = Formula(
        tuple(
            Part(floor, weight, {f"a{i}": 0.25, f"b{i}": 0.75})
            for i, (floor, weight, _, _) in enumerate(parts)
        )
    )
    means = {f"a{i}": a for i, (_, _, a, _) in enumerate(parts)}
    means |= {f"b{i}": b for i, (_, _, _, b) in enumerate(parts)}
    expected = sum(
        w * max(0, (0.25 * a + 0.75 * b - floor) / (1 - floor)) for floor, w, a, b in parts
    )
    assert formula.value(means) == pytest.approx(expected)
    assert mean_of([formula, formula]).value(means) == pytest.approx(expected)


# -- the entry as a whole ------------------------------------------------------------------------


def test_an_entry_is_reproduced_when_every_figure_is(evaluation: Make) -> None:
    measured = measure(evaluation({"t": _right(600, 1000)}), plain("t"))

    def against(theirs: float):  # type: ignore[no-untyped-def]
        return compare(measured, theirs, 0.0005, margin=0.03, flips=0.05)

    good, far, unclear = against(0.6), against(0.75), against(0.635)
    assert overall([good, good], [good, good]) == "reproduced"
    assert overall([good, unclear], [good, unclear]) == "cannot tell"
    assert overall([good, far], [good, far]) == "not reproduced"
    # Beyond the margin on its own, and not by enough to stand out of seven.
    near = against(0.65)
    assert near.verdict == "not reproduced"
    assert overall([near] + [good] * 6, [near] + [good] * 6) == "cannot tell"
