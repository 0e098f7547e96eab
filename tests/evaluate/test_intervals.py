"""Intervals of one score against scipy, naive formulae, and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.evaluate.intervals import clustered_error, mean_interval, wilson


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    k, n = counts
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_what_is_no_count(k: int, n: int) -> None:
    with pytest.raises(ValueError):
        wilson(k, n)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=40))
def test_one_item_a_cluster_is_the_ordinary_t_interval(scores: list[float]) -> None:
    error, count = clustered_error(scores, [str(i) for i in range(len(scores))])
    assert count == len(scores)
    assert error == pytest.approx(stats.sem(scores), abs=1e-9)


def test_clustered_error_is_millers_double_sum() -> None:
    generator = np.random.default_rng(0)
    clusters = generator.integers(0, 12, 90)
    scores = generator.random(90) + clusters / 12
    mean, total = scores.mean(), 0.0
    for i in range(90):
        for j in range(90):
            if clusters[i] == clusters[j]:
                total += (scores[i] - mean) * (scores[j] - mean)
    error, count = clustered_error(scores, clusters)
    assert count == 12
    assert error == pytest.approx(math.sqrt(total) / 90 * math.sqrt(12 / 11))


def test_method_follows_the_items() -> None:
    right = [1.0, 0.0, 1.0, 1.0]
    assert mean_interval(right) == (wilson(3, 4), "Wilson")
    assert mean_interval([0.5, 0.25, 1.0])[1] == "t over items"
    assert mean_interval(right, ["a", "a", "b", "b"])[1].startswith("Wilson at")
    assert mean_interval([0.5, 0.2, 0.1, 0.7], ["a", "a", "b", "b"])[1] == "t over clusters"


def test_t_interval_is_scipys() -> None:
    scores = np.random.default_rng(1).random(37)
    low, high = mean_interval(scores)[0]
    expected = stats.t.interval(0.95, 36, scores.mean(), stats.sem(scores))
    assert (low, high) == pytest.approx(expected)


def test_clusters_of_copies_count_once() -> None:
    """Ten copies of every item tell no more than one copy, and the interval must know."""
    right = np.random.default_rng(2).integers(0, 2, 80)
    copies, clusters = np.repeat(right, 10), np.repeat(np.arange(80), 10)
    low, high = mean_interval(copies, clusters)[0]
    alone_low, alone_high = mean_interval(right)[0]
    assert high - low == pytest.approx(alone_high - alone_low, rel=0.05)


@pytest.mark.parametrize("scores", [[1.0] * 12, [0.0] * 12])
def test_all_alike_in_clusters_is_not_certainty(scores: list[float]) -> None:
    low, high = mean_interval(scores, ["a", "b", "c"] * 4)[0]
    assert high - low > 0.4
    assert mean_interval(scores, ["a"] * 12)[0][1] - mean_interval(scores, ["a"] * 12)[0][0] > 0.7


def test_coverage_of_clustered_interval() -> None:
    """Right/wrong items in 40 clusters with their own difficulties: near 95%, not near 70%."""
    generator = np.random.default_rng(3)
    clusters = np.repeat(np.arange(40), 8)
    clustered = naive = 0
    for _ in range(600):
        chance = generator.beta(1.4, 0.6, 40)
        scores = (generator.random(320) < chance[clusters]).astype(float)
        low, high = mean_interval(scores, clusters)[0]
        clustered += low <= 0.7 <= high
        low, high = mean_interval(scores)[0]
        naive += low <= 0.7 <= high
    assert 0.92 <= clustered / 600 <= 0.98
    assert naive / 600 < 0.85
