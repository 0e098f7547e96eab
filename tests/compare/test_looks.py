"""Verdicts look after look: the error stays at its level however often one looks."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.compare.differences import tango
from workbench.compare.looks import Judged, LookPlan, judge

LOOKS = (80, 160, 240, 320, 400)


def pairs(
    generator: np.random.Generator, n: int, gained: float, lost: float
) -> tuple[np.ndarray, np.ndarray]:
    """Parent's and child's right/wrong answers with these shares of items gained and lost."""
    draw = generator.random(n)
    change = np.where(draw < gained, 1.0, np.where(draw > 1 - lost, -1.0, 0.0))
    before = np.where(change == 1, 0.0, np.where(change == -1, 1.0, generator.random(n) < 0.5))
    return before, before + change


def stopped(before: np.ndarray, after: np.ndarray, plan: LookPlan) -> Judged:
    for look, end in enumerate(plan.ends, start=1):
        judged = judge(before[:end], after[:end], None, plan, look)
        if judged.verdict != "unclear":
            break
    return judged


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_false_positives_stay_below_alpha_and_those_of_peeking_do_not(spending: str) -> None:
    generator = np.random.default_rng(0)
    plan = LookPlan(LOOKS, spending=spending)  # type: ignore[arg-type]
    repeats, wrong, peeked = 800, 0, 0
    for _ in range(repeats):
        before, after = pairs(generator, 400, 0.1, 0.1)
        judged = stopped(before, after, plan)
        wrong += judged.verdict != "unclear"
        change = after - before
        for end in LOOKS:
            low, high = tango((change[:end] > 0).sum(), (change[:end] < 0).sum(), end)
            if low > 0 or high < 0:
                peeked += 1
                break
    assert wrong / repeats <= 0.05
    assert peeked / repeats > 0.10


@pytest.mark.parametrize("shares", [(0.05, 0.10), (0.0, 0.05), (0.01, 0.06)], ids=str)
def test_false_equivalence_at_the_margin_stays_below_alpha(shares: tuple[float, float]) -> None:
    generator = np.random.default_rng(1)
    plan = LookPlan(LOOKS, margin=0.05)
    repeats = 800
    wrong = sum(
        stopped(*pairs(generator, 400, *shares), plan).verdict == "equivalent"
        for _ in range(repeats)
    )
    assert wrong / repeats <= 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5


def test_intervals_hold_whatever_made_one_stop_and_a_clear_case_stops_early() -> None:
    generator = np.random.default_rng(2)
    plan = LookPlan(LOOKS)
    judged = [stopped(*pairs(generator, 400, 0.25, 0.08), plan) for _ in range(500)]
    assert np.mean([j.ci95[0] <= 0.17 <= j.ci95[1] for j in judged]) >= 0.95
    assert np.mean([j.verdict == "higher" for j in judged]) > 0.99
    assert np.mean([j.n for j in judged]) < 250


def test_equal_models_are_found_equivalent_before_the_end() -> None:
    generator = np.random.default_rng(3)
    plan = LookPlan(LOOKS, margin=0.05)
    judged = [stopped(*pairs(generator, 400, 0.02, 0.02), plan) for _ in range(200)]
    assert np.mean([j.verdict == "equivalent" for j in judged]) > 0.95
    assert np.mean([j.n for j in judged]) < 320


def test_the_interval_excludes_zero_where_p_is_below_five_per_cent() -> None:
    generator = np.random.default_rng(4)
    plan = LookPlan(LOOKS, spending="pocock")
    for _ in range(8):
        before, after = pairs(generator, 400, 0.14, 0.08)
        for look, end in enumerate(LOOKS, start=1):
            judged = judge(before[:end], after[:end], None, plan, look)
            assert (judged.ci95[0] > 0 or judged.ci95[1] < 0) == (judged.p < 0.05)
            alone = tango(judged.gained, judged.lost, end)
            assert judged.ci95[0] < alone[0] and alone[1] < judged.ci95[1]


def test_one_look_is_the_ordinary_comparison() -> None:
    before, after = pairs(np.random.default_rng(5), 200, 0.2, 0.05)
    judged = judge(before, after, None, LookPlan((200,)), 1)
    assert judged.ci95 == pytest.approx(tango(judged.gained, judged.lost, 200), abs=1e-7)
    assert judged.verdict == "higher"


def test_few_changed_items_are_held_to_the_exact_test() -> None:
    """Five items gained and none lost reach z = 2.24, yet chance does that in 1 of 16."""
    before, after = np.zeros(40), np.r_[np.ones(5), np.zeros(35)]
    assert tango(5, 0, 40)[0] > 0
    judged = judge(before, after, None, LookPlan((40,)), 1)
    assert judged.verdict == "unclear"
    assert judged.ci95[0] == 0


def test_clusters_and_graded_scores_hold_their_level() -> None:
    generator = np.random.default_rng(6)
    plan = LookPlan((60, 120, 180), spending="pocock")
    wrong = 0
    for _ in range(400):
        shared = np.repeat(generator.normal(size=60), 3) * 0.2
        before = 0.5 + shared + generator.normal(size=180) * 0.1
        after = before + np.repeat(generator.normal(size=60), 3) * 0.2
        clusters = np.repeat(np.arange(60), 3).astype(str)
        wrong += any(
            judge(before[:end], after[:end], clusters[:end], plan, look).verdict != "unclear"
            for look, end in enumerate(plan.ends, start=1)
        )
    assert wrong / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_no_change_in_any_item_is_equivalent_only_with_enough_items() -> None:
    few, many = LookPlan((10, 20), margin=0.05), LookPlan((200, 400), margin=0.05)
    for clusters in (None, "each"):
        for plan, verdict in ((few, "unclear"), (many, "equivalent")):
            end = plan.ends[-1]
            names = None if clusters is None else np.arange(end).astype(str)
            judged = judge(np.ones(end), np.ones(end), names, plan, 2)
            assert judged.verdict == verdict
            assert judged.ci95[0] < 0 < judged.ci95[1]


def test_a_plan_survives_being_written() -> None:
    plan = LookPlan((5, 9), 0.1, "pocock", 0.03)
    assert LookPlan.of(plan.as_dict()) == plan
    with pytest.raises(ValueError, match="look 3 of 2"):
        judge([0.0], [1.0], None, plan, 3)
