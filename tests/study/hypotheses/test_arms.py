"""Items paired across arms, and their resamples, against naive versions of the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.study.hypotheses._arms import BEFORE, Items, interval, paired, share_of

fast = settings(max_examples=30, deadline=None)


def items_of(*args: object, **kwargs: object) -> Items:
    found = paired(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(found, Items)
    return found


def test_an_item_counts_with_its_mean_over_seeds() -> None:
    one, other = frame([1, 0, 1, 0], seed=0), frame([1, 1, 0, 0], seed=1)
    given_ = subject(frame([0, 0, 0, 1]), {"treatment": pd.concat([one, other])})
    items = items_of(given_, ["treatment"])
    assert items.of("treatment").tolist() == [1, 0.5, 0.5, 0]
    assert items.of(BEFORE).tolist() == [0, 0, 0, 1]
    assert items.means().tolist() == [0.25, 0.5]


def test_tasks_weigh_alike_however_many_items_they_have() -> None:
    before = pd.concat([frame([0] * 10, task="a"), frame([0, 0], task="b")])
    after = pd.concat([frame([1] * 10, task="a"), frame([0, 1], task="b")])
    items = items_of(subject(before, {"treatment": after}), ["treatment"])
    assert items.means().tolist() == [0, 0.75]
    assert items.resampled(0, "x").mean(axis=0)[1] == pytest.approx(0.75, abs=0.02)


def test_only_items_that_all_arms_have_are_compared() -> None:
    after = {"treatment": frame([1, 1, 1]), "other": frame([0, 0, 0, 0]).iloc[1:]}
    items = items_of(subject(frame([0, 0, 0, 0]), after), ["treatment", "other"])
    assert [key[2] for key in items.keys] == ["1", "2"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, {}, "the base has no scores"),
        (frame([1.0]), {}, "'treatment' was not made or not scored"),
        (frame([1.0]), {"treatment": pd.DataFrame()}, "'treatment' was not made or not scored"),
        (frame([1.0]), {"treatment": frame([1.0], task="other")}, "no item was scored both"),
    ],
)
def test_why_there_is_nothing_to_compare(before: object, after: object, words: str) -> None:
    found = paired(subject(before, after), ["treatment"])  # type: ignore[arg-type]
    assert isinstance(found, str)
    assert words in found


def test_the_interval_is_that_of_the_paired_difference() -> None:
    """Against the formula for the mean of differences, which a bootstrap comes to."""
    before, after = right(0.3, 500, 1), right(0.6, 500, 2)
    items = items_of(subject(frame(before), {"treatment": frame(after)}), ["treatment"])
    drawn = items.resampled(0, "x")
    low, high = interval(drawn[:, 1] - drawn[:, 0])
    differences = after - before
    reach = 1.96 * differences.std() / np.sqrt(500)
    assert (low, high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=0.008)


def test_clusters_are_drawn_whole() -> None:
    """Ten clusters of forty equal items tell as much as ten items."""
    scores = np.repeat(right(0.5, 10, 3), 40)
    names = [str(n // 40) for n in range(400)]
    loose = items_of(subject(frame(scores), {"t": frame(scores)}), ["t"])
    tied = items_of(subject(frame(scores, cluster=names), {"t": frame(scores)}), ["t"])
    sd = [each.resampled(0, "x")[:, 0].std() for each in (loose, tied)]
    assert sd[0] == pytest.approx(0.5 / np.sqrt(400), rel=0.1)
    assert sd[1] == pytest.approx(0.5 / np.sqrt(10), rel=0.1)
    # … and a cluster lies in one half.
    for cluster in np.unique(tied.clusters):
        assert len(set(tied.first[tied.clusters == cluster].tolist())) == 1


@fast
@given(st.integers(0, 10**6), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_rows_may_come_in_any_order(seed: int, scores: list[float]) -> None:
    several = pd.concat([frame(scores, seed=n) for n in range(3)])
    several["score"] = np.random.default_rng(seed).random(len(several))
    one = subject(frame(scores), {"treatment": several, "lr=0.1": frame(scores[::-1])}, seed)
    first = items_of(one, ["treatment", "lr=0.1"])
    second = items_of(shuffled_subject(one), ["treatment", "lr=0.1"])
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.first, second.first)
    assert np.array_equal(first.resampled(seed, "a", 50), second.resampled(seed, "a", 50))
    assert not len(scores) > 4 or not np.array_equal(
        first.resampled(seed, "a", 50), first.resampled(seed, "b", 50)
    )


def test_halves_are_disjoint_and_change_with_the_seed() -> None:
    scores = right(0.5)
    halves = []
    for seed in (0, 1):
        items = items_of(subject(frame(scores), {"t": frame(scores)}, seed), ["t"])
        first, second = items.half(True), items.half(False)
        assert not set(first.keys) & set(second.keys)
        assert len(first) + len(second) == 400
        assert 140 < len(first) < 260
        halves.append(set(first.keys))
    assert halves[0] != halves[1]


def test_a_share_of_nothing_is_infinitely_far_off() -> None:
    part, whole = np.array([1.0, 1.0, -1.0, 2.0]), np.array([0.0, -1.0, 0.0, 4.0])
    assert share_of(part, whole).tolist() == [np.inf, np.inf, -np.inf, 0.5]
