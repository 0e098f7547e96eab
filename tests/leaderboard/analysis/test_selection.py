"""The best of equally many, against counting and drawing."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leaderboard.analysis.simulated import leaderboard
from workbench.leaderboard.analysis import clusters, selection
from workbench.leaderboard.analysis.outcomes import community

points = st.lists(st.floats(-50, 100), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(values=points, data=st.data())
def test_expected_best_is_the_mean_over_all_draws(values: list[float], data: st.DataObject) -> None:
    m = data.draw(st.integers(1, len(values)))
    every = [max(chosen) for chosen in combinations(values, m)]
    assert selection.expected_best(np.array(values), m) == pytest.approx(np.mean(every), abs=1e-7)


@settings(max_examples=50, deadline=None)
@given(values=points)
def test_it_rises_with_the_draw_from_the_mean_to_the_maximum(values: list[float]) -> None:
    array = np.array(values)
    curve = [selection.expected_best(array, m) for m in range(1, len(values) + 1)]
    assert curve[0] == pytest.approx(array.mean(), abs=1e-7)
    assert curve[-1] == pytest.approx(array.max(), abs=1e-7)
    assert all(b >= a - 1e-7 for a, b in pairwise(curve))


def test_large_numbers_keep_their_precision() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    # The expected largest of ten normals: 1.5388 (Harter 1961, Biometrika 48, table 1).
    assert selection.expected_best(values, 10) == pytest.approx(1.5388, abs=0.1)
    assert selection.chances(2000, 1000).sum() == pytest.approx(1)


def test_weights_stand_for_repeated_values() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=9)
    weights = rng.integers(0, 4, size=(20, 9)).astype(float)
    found = selection.best_of_weighted(values, weights, 3)
    repeated = [np.repeat(values, row.astype(int)) for row in weights]
    expected = [selection.expected_best(one, 3) for one in repeated if len(one) >= 3]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_more_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="4 of 3"):
        selection.expected_best(np.arange(3.0), 4)


def test_curves_end_where_the_entries_end() -> None:
    rows = community(leaderboard(2)[0])
    found = selection.selection(rows, seed=0)
    sizes = rows.groupby("root").size()
    curves = found["bases"]["final"]
    assert {one["name"] for one in curves} == set(sizes[sizes >= selection.EQUAL].index)
    for one in curves:
        assert one["curve"][-1]["m"] == one["n"] == sizes[one["name"]]
        assert one["curve"][-1]["value"] == pytest.approx(one["best"])
        assert one["curve"][-1]["ci95"] is None
        for point in one["curve"]:
            if point["ci95"] is not None:
                assert 2 * point["m"] <= one["n"]
                assert point["ci95"][0] <= point["value"] <= point["ci95"][1] + 1
    assert found == selection.selection(rows, seed=0)


def test_one_side_alone_is_not_compared() -> None:
    rows = community(leaderboard(2)[0])
    assert selection.compare_sides(rows[~rows["chinese"]], "final") is None


def test_weighted_medians_and_means_are_those_of_repeated_rows() -> None:
    rng = np.random.default_rng(4)
    values = rng.integers(0, 6, 11).astype(float)
    weights = rng.integers(0, 3, size=(60, 11)).astype(float)
    weights = weights[weights.sum(axis=1) > 0]
    repeated = [np.repeat(values, row.astype(int)) for row in weights]
    np.testing.assert_allclose(
        clusters.medians(values, weights), [np.median(one) for one in repeated]
    )
    np.testing.assert_allclose(clusters.means(values, weights), [one.mean() for one in repeated])


def test_crossed_clusters_are_each_drawn_whole() -> None:
    kinds = {"bases": list("aabbccdd"), "submitters": list("xyxyxyxy")}
    weights = clusters.draw(kinds, seed=0, draws=500)
    frame = pd.DataFrame(weights.matrix.T)
    frame["base"], frame["submitter"] = kinds["bases"], kinds["submitters"]
    assert weights.kinds == {"bases": 4, "submitters": 2}
    assert not weights.enough
    # A row's weight is its base's times its submitter's: the table of each draw has rank one.
    for column in range(20):
        table = frame.pivot(index="base", columns="submitter", values=column).to_numpy()
        assert np.linalg.matrix_rank(table) == 1


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        effects = rng.normal(0, 1, 25)
        labels = np.repeat(np.arange(25), 4)
        values = effects[labels] + rng.normal(0, 1, 100)
        weights = clusters.draw({"submitters": labels.tolist()}, seed=seed, draws=300)
        low, high = clusters.summary(values, weights)["mean"]["ci95"]
        covered += low <= 0 <= high
    # Percentile intervals of 25 clusters are a little narrow; independent rows would give 0.7.
    assert covered >= 174
