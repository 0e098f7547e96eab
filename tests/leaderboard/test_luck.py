"""Luck: a published entry against another, and the best of many worthless variants."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from tests.leaderboard.items import INSTRUCTIONS
from workbench.errors import UserError
from workbench.leaderboard import ifeval
from workbench.leaderboard.luck import compare_published, differing_variance, independent_variance
from workbench.leaderboard.normalise import accuracy_of, normalise
from workbench.leaderboard.published import PublishedEntry, find
from workbench.leaderboard.schemes.v2 import V2
from workbench.leaderboard.worthless import best_of, simulate

SUITE = "leaderboard-v2"


@pytest.fixture(scope="module")
def rys() -> PublishedEntry:
    return find(SUITE, "dnhkng/RYS-XLarge", "2024-10")


@pytest.fixture(scope="module")
def calme() -> PublishedEntry:
    """RYS-XLarge's parent."""
    return find(SUITE, "MaziyarPanahi/calme-2.1-qwen2-72b", "2024-10")


def test_the_expected_largest_of_normals_is_the_known_one() -> None:
    """Closed forms for two and three; for the rest tables of order statistics (Harter 1961)."""
    known = {1: 0.0, 2: 1 / math.sqrt(math.pi), 3: 1.5 / math.sqrt(math.pi), 10: 1.53875}
    known |= {100: 2.50759, 1000: 3.24144}
    for n, expected in known.items():
        assert best_of(n, 1.0).expected == pytest.approx(expected, abs=2e-5)
    assert best_of(1000, 0.5).expected == pytest.approx(1.62072, abs=2e-5)
    with pytest.raises(ValueError, match="best of 0"):
        best_of(0, 1.0)


def test_range_and_chance_are_those_of_drawn_maxima() -> None:
    generator = np.random.default_rng(0)
    maxima = generator.normal(0, 2.0, (20_000, 50)).max(axis=1)
    best = best_of(50, 2.0, gain=5.0)
    assert best.range90 == pytest.approx(np.quantile(maxima, (0.05, 0.95)), rel=0.02)
    assert best.reached == pytest.approx((maxima >= 5.0).mean(), abs=0.01)
    assert best_of(50, 0.0, gain=1.0).reached == 0


@pytest.mark.parametrize("prompt, instruction", [(0.76, 0.84), (0.2, 0.35), (0.45, 0.5), (1, 1)])
def test_ifeval_variance_is_that_of_drawn_answers(prompt: float, instruction: float) -> None:
    """Drawn from the same law: a chance a prompt, independent instructions within."""
    generator = np.random.default_rng(1)
    together = ifeval._together(prompt, instruction)
    draws = []
    for _ in range(1500):
        if together > 0 and instruction < 1:
            scale = 1 / together - 1
            chance = generator.beta(
                instruction * scale, (1 - instruction) * scale, len(INSTRUCTIONS)
            )
        else:
            chance = np.full(len(INSTRUCTIONS), instruction)
        followed = generator.binomial(INSTRUCTIONS, chance)
        draws.append((np.mean(followed == INSTRUCTIONS) + followed.sum() / 834) / 2)
    expected = math.sqrt(ifeval.variance(prompt, instruction))
    assert np.std(draws) == pytest.approx(expected, rel=0.07, abs=1e-12)


@pytest.mark.parametrize("score", [0.05, 0.3, 0.8, 0.98])
def test_ifeval_score_is_split_into_the_two_it_is_the_mean_of(score: float) -> None:
    prompt, instruction = ifeval.split(score)
    assert (prompt + instruction) / 2 == pytest.approx(score)
    assert prompt == pytest.approx(ifeval.prompt_accuracy(instruction, 0.0))
    assert prompt <= instruction
    assert len(INSTRUCTIONS) == 541 and INSTRUCTIONS.sum() == 834


@pytest.mark.parametrize("name", ["bbh", "math", "musr", "mmlu_pro"])
def test_noise_of_independent_answers_is_that_of_drawn_scores(name: str) -> None:
    benchmark = V2.benchmark(name)
    generator = np.random.default_rng(2)
    drawn = []
    for _ in range(2000):
        parts = []
        for part in benchmark.parts:
            p = accuracy_of(40.0, part.floor)
            parts.append(normalise(generator.binomial(part.items, p) / part.items, part.floor))
        drawn.append(fmean(parts))
    # Two models, so twice the variance of one.
    assert math.sqrt(independent_variance(benchmark, 40.0, 40.0)) == pytest.approx(
        math.sqrt(2) * np.std(drawn), rel=0.06
    )


def test_noise_grows_with_the_share_that_differs_up_to_independence() -> None:
    for benchmark in V2.benchmarks:
        most = independent_variance(benchmark, 40.0, 38.0)
        found = [differing_variance(benchmark, 40.0, 38.0, s) for s in (0.01, 0.05, 0.2, 1.0)]
        assert found == sorted(found)
        assert found[-1] == most


def test_simulated_variants_vary_as_the_formula_says_and_their_best_as_normals() -> None:
    points = dict.fromkeys(V2.names, 40.0)
    drawn = simulate(V2, points, n=1000, differ=0.05, seed=3, contests=100)
    for benchmark in V2.benchmarks:
        expected = math.sqrt(differing_variance(benchmark, 40.0, 40.0, 0.05))
        assert drawn["sd"][benchmark.name] == pytest.approx(expected, rel=0.05), benchmark.name
    exact = best_of(1000, drawn["sd"]["average"])
    assert drawn["expected"] == pytest.approx(exact.expected, rel=0.03)
    assert sum(drawn["supplied"].values()) == pytest.approx(drawn["expected"])
    assert drawn == simulate(V2, points, n=1000, differ=0.05, seed=3, contests=100)


def test_a_variant_of_a_model_at_the_floor_cannot_fall_below_nothing() -> None:
    points = dict.fromkeys(V2.names, 0.0)
    drawn = simulate(V2, points, n=50, differ=0.1, seed=4, contests=20)
    assert drawn["expected"] > 0
    # MATH and IFEval have nothing right that could be lost, and so nothing to gain.
    assert drawn["sd"]["math"] == drawn["sd"]["ifeval"] == 0


def test_rys_xlarge_against_its_parent(rys: PublishedEntry, calme: PublishedEntry) -> None:
    found = compare_published(rys, calme)
    average, musr = found["average"], found["benchmarks"]["musr"]
    assert average["delta"] == pytest.approx(44.75 - 43.61, abs=0.011)
    # MuSR supplies most of the gain.
    assert musr["supplies"] == pytest.approx((23.72 - 20.15) / 6)
    assert musr["supplies"] > average["delta"] / 2
    # Not clearly more than noise: whether 0 is inside depends on how alike the two answer.
    assert average["ci95"]["independent"][0] < 0 < average["ci95"]["differ"][0]
    assert found["verdict"] == "depends"
    assert 0.05 < average["differ_to_reach_zero"] < 0.2
    # The best of 1,000 worthless variants shows about as much.
    best = found["best_of"]["simulated"]
    assert best["n"] == 1000
    assert best["expected"] == pytest.approx(average["delta"], rel=0.15)
    assert best["supplied"]["musr"] == max(best["supplied"].values())
    differing = {row["what"]: row["differs"] for row in found["conditions"]}
    assert differing == {"chat template": True, "precision": False}


def test_the_words_say_what_the_figures_say(rys: PublishedEntry, calme: PublishedEntry) -> None:
    found = compare_published(rys, calme)
    text = "\n".join(found["words"])
    assert "+1.15 points" in text
    assert "MuSR supplies most of it: +0.60 of +1.15" in text
    assert "The best of 1,000 worthless variants" in text
    assert "chat template no against yes" in text
    assert f"{found['average']['differ_to_reach_zero']:.0%} on" in text


def test_the_curve_goes_through_the_stated_share(
    rys: PublishedEntry, calme: PublishedEntry
) -> None:
    found = compare_published(rys, calme, differ=0.07)
    curve = {row["differ"]: row for row in found["curve"]}
    at = curve[0.07]
    assert at["ci95"] == pytest.approx(found["average"]["ci95"]["differ"])
    assert at["best"] == pytest.approx(found["best_of"]["exact"]["expected"], rel=0.05)
    assert [row["se"] for row in found["curve"]] == sorted(row["se"] for row in found["curve"])
    # The interval reaches 0 at the share that is said to.
    reach = found["average"]["differ_to_reach_zero"]
    for row in found["curve"]:
        assert (row["ci95"][0] > 0) == (row["differ"] < reach) or abs(row["differ"] - reach) < 0.01


def test_results_are_ready_for_json_and_the_same_twice(
    rys: PublishedEntry, calme: PublishedEntry
) -> None:
    first, second = (compare_published(rys, calme, variants=50, seed=5) for _ in range(2))
    text = json.dumps(first, allow_nan=False)
    assert text == json.dumps(second, allow_nan=False)
    assert json.loads(text) == first


def test_swapped_the_gain_is_a_loss(rys: PublishedEntry, calme: PublishedEntry) -> None:
    there = compare_published(rys, calme, variants=20)
    back = compare_published(calme, rys, variants=20)
    assert back["average"]["delta"] == pytest.approx(-there["average"]["delta"])
    for kind, interval in there["average"]["ci95"].items():
        mirrored = [-x for x in reversed(back["average"]["ci95"][kind])]
        assert mirrored == pytest.approx(interval)


def test_a_gain_far_beyond_noise_is_clear_and_none_is_not() -> None:
    calme_24 = find(SUITE, "MaziyarPanahi/calme-2.4-rys-78b", "2024-10")
    sibling = find(SUITE, "MaziyarPanahi/calme-2.3-rys-78b", "2024-10")
    assert compare_published(calme_24, sibling, variants=10)["verdict"] == "clear"
    same = compare_published(sibling, sibling, variants=10)
    assert same["verdict"] == "not clear"
    assert same["average"]["p"] == {"independent": 1.0, "differ": 1.0}
    assert not any("supplies" in sentence for sentence in same["words"])


def test_figures_of_different_snapshots_or_without_all_six_are_refused(
    rys: PublishedEntry, calme: PublishedEntry
) -> None:
    final = find(SUITE, "dnhkng/RYS-XLarge", "final")
    with pytest.raises(UserError, match=r"of snapshot final and .* of 2024-10"):
        compare_published(final, calme)
    lacking = replace(rys, scores={k: v for k, v in rys.scores.items() if k != "math"})
    with pytest.raises(UserError, match="no figure for math"):
        compare_published(lacking, calme)
    with pytest.raises(ValueError, match="share"):
        compare_published(rys, calme, differ=0)
