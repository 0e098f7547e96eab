"""The order of items: nested, stratified, seeded, and the same whoever asks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluate.sampling import allocate, nested_order

strata_lists = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=120)


@settings(max_examples=80, deadline=None)
@given(strata_lists, st.integers(0, 2**32 - 1))
def test_every_beginning_holds_each_stratum_in_proportion(strata: list[str], seed: int) -> None:
    order = nested_order(strata, seed, "task")
    assert sorted(order) == list(range(len(strata)))
    total = Counter(strata)
    so_far: Counter[str] = Counter()
    for length, place in enumerate(order, start=1):
        so_far[strata[place]] += 1
        for stratum, size in total.items():
            assert abs(so_far[stratum] - size * length / len(strata)) < 1


def test_the_order_depends_on_seed_and_task_and_on_nothing_else() -> None:
    strata = ["x", "y"] * 50
    first = nested_order(strata, 0, "task")
    np.random.seed(7)
    assert nested_order(strata, 0, "task") == first
    assert nested_order(strata, 1, "task") != first
    assert nested_order(strata, 0, "other") != first


def test_each_item_is_as_likely_as_any_other_to_be_in_the_sample() -> None:
    strata = ["large"] * 30 + ["small"] * 10
    drawn = Counter(place for seed in range(1000) for place in nested_order(strata, seed, "t")[:8])
    counts = np.array([drawn[place] for place in range(40)])
    # 1,000 draws at 8 of 40: 200 each, with a standard deviation of 12.6.
    assert counts.min() > 200 - 4.5 * 12.6 and counts.max() < 200 + 4.5 * 12.6


def test_a_stratified_sample_is_closer_to_the_whole_than_a_simple_one() -> None:
    """The variance of the mean falls by the share that lies between the strata."""
    generator = np.random.default_rng(0)
    strata = np.repeat(list("abcd"), 100)
    accuracy = np.repeat([0.05, 0.3, 0.7, 0.95], 100)
    scores = (generator.random(400) < accuracy).astype(float)
    stratified = [
        scores[list(nested_order(strata.tolist(), s, "t")[:40])].mean() for s in range(300)
    ]
    simple = [scores[list(nested_order([""] * 400, s, "t")[:40])].mean() for s in range(300)]
    assert np.mean(stratified) == pytest.approx(scores.mean(), abs=0.012)
    within = np.mean([scores[strata == each].var() for each in "abcd"]) / scores.var()
    assert np.var(stratified) / np.var(simple) == pytest.approx(within, rel=0.35)


sizes = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 600), min_size=1)


@settings(max_examples=100, deadline=None)
@given(sizes, st.integers(1, 3000))
def test_a_limit_is_shared_in_proportion_with_one_at_least(
    sizes: dict[str, int], limit: int
) -> None:
    given_to = allocate(limit, sizes)
    total = sum(sizes.values())
    assert sum(given_to.values()) == min(total, max(limit, len(sizes)))
    for name, count in given_to.items():
        assert 1 <= count <= sizes[name]
        if limit >= total:
            assert count == sizes[name]
    if limit * min(sizes.values()) >= total:
        for name, count in given_to.items():
            assert abs(count - min(limit, total) * sizes[name] / total) < 1


def test_ten_a_subtask_of_a_group_of_equal_members() -> None:
    assert set(allocate(240, {f"bbh_{i}": 250 for i in range(24)}).values()) == {10}
    assert allocate(None, {"a": 3, "b": 5}) == {"a": 3, "b": 5}
