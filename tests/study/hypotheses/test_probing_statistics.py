"""The statistics of sub-tests against scipy, scikit-learn and brute force."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from workbench.study.probing.part import auc, difference, drawn, mean_above
from workbench.study.probing.pass_at_k import own_and_dealt, pass_at_k
from workbench.study.probing.texts import rouge_l, units
from workbench.study.questions.asking import exact

numbers = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=30)


@given(numbers, numbers)
def test_auc_is_that_of_scikit_learn(one: list[float], other: list[float]) -> None:
    value, (low, high), p = auc(one, other)
    truth = [1] * len(one) + [0] * len(other)
    assert value == pytest.approx(roc_auc_score(truth, one + other))
    assert 0 <= low <= value <= high <= 1
    assert 0 <= p <= 1
    turned, (low2, high2), _ = auc(other, one)
    assert turned == pytest.approx(1 - value)
    assert (low2, high2) == pytest.approx((1 - high, 1 - low))


def test_delongs_variance_is_that_of_its_definition() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.7, 1, 40), rng.normal(0, 1.5, 25)
    psi = (a[:, None] > b[None, :]).astype(float)
    variance = psi.mean(1).var(ddof=1) / 40 + psi.mean(0).var(ddof=1) / 25
    value, (low, high), _ = auc(a, b)
    centre, half = np.log(value / (1 - value)), 1.96 * variance**0.5 / (value * (1 - value))
    expected = [1 / (1 + np.exp(-x)) for x in (centre - half, centre + half)]
    assert (low, high) == pytest.approx(expected, abs=1e-5)


def test_delongs_interval_covers() -> None:
    rng = np.random.default_rng(2)
    shift, hits = 0.5, 0
    truth = stats.norm.cdf(shift / 2**0.5)
    for _ in range(1000):
        _, (low, high), _ = auc(rng.normal(shift, 1, 60), rng.normal(0, 1, 60))
        hits += low <= truth <= high
    assert 0.93 <= hits / 1000 <= 0.97


def test_sides_that_do_not_overlap_have_an_interval_and_a_small_p() -> None:
    value, (low, high), p = auc(np.arange(50) + 100.0, np.arange(50.0))
    assert (value, high) == (1.0, 1.0)
    assert 0.8 < low < 1
    assert p < 1e-10


@given(numbers.filter(lambda x: np.std(x) > 0), st.floats(-3, 3))
def test_the_mean_is_tested_as_scipy_does(values: list[float], null: float) -> None:
    mean, (low, high), p = mean_above(values, null)
    found = stats.ttest_1samp(values, null, alternative="greater")
    assert p == pytest.approx(found.pvalue, abs=1e-9)
    wanted = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (mean, low, high) == pytest.approx((np.mean(values), *wanted))


@given(numbers.filter(lambda x: np.std(x) > 0), numbers)
def test_differences_are_welchs(one: list[float], other: list[float]) -> None:
    value, (low, high), p = difference(one, other)
    found = stats.ttest_ind(one, other, equal_var=False, alternative="greater")
    assert p == pytest.approx(found.pvalue, abs=1e-9)
    both = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (value, low, high) == pytest.approx((np.mean(one) - np.mean(other), *both))


def test_values_that_do_not_vary_do_not_divide_by_zero() -> None:
    assert mean_above([0.0] * 5) == (0.0, (0.0, 0.0), 0.5)
    assert mean_above([1.0] * 5)[2] == 0.5**5
    assert difference([1.0, 1.0], [2.0, 2.0])[2] == 1.0
    with pytest.raises(ValueError):
        mean_above([1.0])


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_all_choices(n: int, data: st.DataObject) -> None:
    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    answers = [place < right for place in range(n)]
    brute = sum(any(chosen) for chosen in combinations(answers, k)) / comb(n, k)
    assert pass_at_k(n, right, k) == pytest.approx(brute)


def test_pass_at_k_refuses_what_was_not_drawn() -> None:
    with pytest.raises(ValueError):
        pass_at_k(4, 1, 5)


answers = st.lists(st.lists(st.sampled_from("abc"), min_size=4, max_size=4), min_size=1, max_size=6)


@given(answers, st.data(), st.integers(1, 4))
def test_dealt_targets_are_those_of_the_other_items(
    given_: list[list[str]], data: st.DataObject, k: int
) -> None:
    targets = [data.draw(st.sampled_from("abcd")) for _ in given_]
    own, dealt = own_and_dealt(given_, targets, k, exact)
    for place, (said, target) in enumerate(zip(given_, targets, strict=True)):
        assert own[place] == pytest.approx(pass_at_k(4, said.count(target), k))
        others = [pass_at_k(4, said.count(t), k) for t in targets if t != target]
        assert dealt[place] == pytest.approx(np.mean(others) if others else 0.0)


def test_answers_that_know_nothing_reach_chance() -> None:
    rng = np.random.default_rng(3)
    said = rng.integers(10, size=(400, 16)).astype(str).tolist()
    targets = rng.integers(10, size=400).astype(str).tolist()
    own, dealt = own_and_dealt(said, targets, 16, exact)
    _, (low, high), _ = mean_above(own - dealt)
    assert low < 0 < high
    assert dealt.mean() == pytest.approx(1 - 0.9**16, abs=0.03)


def longest_common(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """By all subsequences of the shorter."""
    short, long_ = sorted((a, b), key=len)
    for size in range(len(short), 0, -1):
        for places in combinations(range(len(short)), size):
            rest = iter(long_)
            if all(short[place] in rest for place in places):
                return size
    return 0


words = st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(tuple)


@given(words, words)
def test_rouge_l_counts_the_longest_common_subsequence(
    a: tuple[str, ...], b: tuple[str, ...]
) -> None:
    common = longest_common(a, b)
    precision, recall = common / len(a), common / len(b)
    wanted = 2 * precision * recall / (precision + recall) if common else 0.0
    assert rouge_l(a, b) == pytest.approx(wanted)


@given(st.text(max_size=60))
def test_units_join_to_the_text(text: str) -> None:
    assert "".join(units(text)) in (text, text.rstrip())


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 5))
def test_places_are_drawn_in_order_and_once(count: int, most: int, seed: int) -> None:
    found = drawn(count, most, seed)
    assert found == sorted(set(found))
    assert len(found) == min(count, most)
    assert found == drawn(count, most, seed)
