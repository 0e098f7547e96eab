"""Families' means against the general mixed model, least squares, and the t test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from workbench.compare.mixed import nested, reml
from workbench.compare.mixed.levels import Factor


def world(seed: int, sizes: tuple[int, ...], asked: int, covariate: bool) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(len(sizes)), sizes)
    columns = [np.ones(len(family)), (family < asked).astype(float)]
    if covariate:
        columns.append(rng.normal(size=len(family)))
    y = rng.normal(0, 1.5, (12, len(sizes)))[:, family] + rng.normal(size=(12, len(family)))
    return y, np.column_stack(columns), Factor.of("family", [f"{f:02}" for f in family])


@pytest.mark.parametrize("covariate", [False, True])
@pytest.mark.parametrize("sizes", [(2, 2, 2, 2, 2, 2), (1, 3, 2, 1, 3, 1, 2), (3, 1, 1, 2, 3)])
def test_the_variance_ratio_is_that_of_reml(sizes: tuple[int, ...], covariate: bool) -> None:
    y, x, families = world(1, sizes, 2, covariate)
    found = nested.Design(x, families).ratios(y)
    fits = [reml.fit(outcome, x, [families]) for outcome in y]
    np.testing.assert_allclose(np.sqrt(found), [f.ratios[0] for f in fits], rtol=1e-3, atol=2e-3)
    assert 0 < sum(bool(f.singular) for f in fits) < len(fits) or min(found) > 0


@pytest.mark.parametrize("sizes", [(2, 2, 2, 2, 2, 2), (1, 3, 2, 1, 3, 1, 2)])
def test_without_a_covariate_the_value_is_the_mixed_models(sizes: tuple[int, ...]) -> None:
    y, x, families = world(1, sizes, 2, False)
    found = nested.effects(nested.Design(x, families), y, 1)
    fits = [reml.fit(outcome, x, [families]) for outcome in y]
    np.testing.assert_allclose(found.beta, [f.beta for f in fits], atol=1e-3)


def test_as_many_bases_in_each_family_is_the_t_test() -> None:
    y, x, families = world(3, (2,) * 7, 3, False)
    found = nested.effects(nested.Design(x, families), y, 1)
    low, high = found.interval(0.9)
    means = y.reshape(len(y), 7, 2).mean(axis=2)
    for k, row in enumerate(means):
        test = stats.ttest_ind(row[:3], row[3:])
        interval = test.confidence_interval(0.9)
        assert found.p()[k] == pytest.approx(test.pvalue)
        assert (low[k], high[k]) == pytest.approx((interval.low, interval.high))


def test_one_base_a_family_is_least_squares() -> None:
    from workbench.compare.least_squares import fit

    y, x, families = world(2, (1,) * 9, 4, True)
    found = nested.effects(nested.Design(x, families), y, 1)
    for k, outcome in enumerate(y):
        plain = fit(outcome.tolist(), {"asked": x[:, 1].tolist(), "c": x[:, 2].tolist()})["asked"]
        assert found.value[k] == pytest.approx(plain.value)
        assert found.error[k] == pytest.approx(plain.error)
        assert found.df == plain.df


def test_weighted_least_squares_as_statsmodels_has_it() -> None:
    api = pytest.importorskip("statsmodels.api")
    y, x, families = world(5, (1, 3, 2, 1, 3, 1, 2), 3, True)
    design = nested.Design(x, families)
    found = nested.effects(design, y, 1)
    weights, means = design.weights(y), design.means(y)
    for k in range(len(y)):
        theirs = api.WLS(means[k], design.x, weights=weights[k]).fit()
        assert found.value[k] == pytest.approx(theirs.params[1])
        # Ours allows for the weights being estimated.
        assert theirs.bse[1] <= found.error[k] <= 1.6 * theirs.bse[1]


def test_the_allowance_for_weights_by_dense_matrices() -> None:
    """Kenward and Roger's addition, with their formulas, on the means; the information on all."""
    y, x, families = world(5, (1, 3, 2, 1, 3, 1, 2), 3, True)
    design = nested.Design(x, families)
    found = nested.effects(design, y, 1)
    family_slope = families.dense() @ families.dense().T
    for k in range(len(y)):
        ratio = design.ratios(y)[k]
        inverse = np.linalg.inv(np.eye(len(x)) + ratio * family_slope)
        project = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
        slopes = [family_slope, np.eye(len(x))]
        information = [[np.trace(project @ a @ project @ b) / 2 for b in slopes] for a in slopes]
        w = np.linalg.inv(np.array(information))
        small = [np.eye(7), np.diag(1 / design.sizes)]
        v = np.linalg.inv(ratio * small[0] + small[1])
        means = design.x
        phi = np.linalg.inv(means.T @ v @ means)
        p = [-means.T @ v @ a @ v @ means for a in small]
        middle = sum(
            w[i, j] * (means.T @ v @ small[i] @ v @ small[j] @ v @ means - p[i] @ phi @ p[j])
            for i in range(2)
            for j in range(2)
        )
        left = design.means(y)[k] - means @ found.beta[k]
        scatter = left @ v @ left / (7 - 3)
        expected = scatter * (phi + 2 * phi @ middle @ phi)[1, 1]
        assert found.error[k] ** 2 == pytest.approx(expected)


def test_what_cannot_be_fitted_is_refused() -> None:
    _, x, families = world(0, (3, 1), 1, False)
    with pytest.raises(ValueError, match="2 families cannot fit 2"):
        nested.Design(x, families)
    _, x, families = world(0, (2, 2, 2, 2), 2, False)
    with pytest.raises(ValueError, match="determine"):
        nested.Design(np.column_stack([x, x[:, 1]]), families)
