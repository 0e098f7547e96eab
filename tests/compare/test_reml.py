"""The mixed model against dense algebra, statsmodels, and designs whose answer is known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import approx_fprime, minimize

from workbench.compare.mixed import inference, reml
from workbench.compare.mixed.levels import Factor, Levels, Meetings


def crossed(seed: int, rows: int = 60) -> tuple[Any, Any, list[Factor]]:
    """Outcome, regressors and three factors: bases in families, crossed with submitters."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 9, rows)
    family = base // 2
    submitter = rng.integers(0, 14, rows)
    x = np.column_stack([np.ones(rows), family % 2, rng.normal(size=rows)])
    y = (
        x @ [10.0, 2.0, 1.0]
        + rng.normal(0, 2.0, 9)[base]
        + rng.normal(0, 1.5, 5)[family]
        + rng.normal(0, 1.0, 14)[submitter]
        + rng.normal(0, 1.2, rows)
    )
    factors = [
        Factor.of("base", base.tolist()),
        Factor.of("submitter", submitter.tolist()),
        Factor.of("family", family.tolist()),
    ]
    return y, x, factors


def dense(factors: list[Factor], ratios: Any) -> Any:
    """V / s_e^2, rows by rows."""
    v = np.eye(len(factors[0].codes))
    for factor, ratio in zip(factors, ratios, strict=True):
        v += ratio**2 * factor.dense() @ factor.dense().T
    return v


def dense_deviance(y: Any, x: Any, v: Any) -> float:
    """-2 log of the restricted likelihood, the residual variance profiled out, by its formula."""
    n, p = x.shape
    inverse = np.linalg.inv(v)
    gram = x.T @ inverse @ x
    beta = np.linalg.solve(gram, x.T @ inverse @ y)
    left = y - x @ beta
    variance = left @ inverse @ left / (n - p)
    logdets = np.linalg.slogdet(v)[1] + np.linalg.slogdet(gram)[1]
    return float(logdets + (n - p) * (1 + np.log(2 * np.pi * variance)))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    ratios=st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3),
    count=st.integers(1, 3),
)
def test_inverse_and_determinant_through_the_levels(
    seed: int, ratios: list[float], count: int
) -> None:
    y, x, factors = crossed(seed, rows=30)
    factors, used = factors[:count], np.array(ratios[:count])
    v = dense(factors, used)
    levels = Levels(Meetings(factors), used)
    np.testing.assert_allclose(levels.logdet, np.linalg.slogdet(v)[1], atol=1e-8)
    np.testing.assert_allclose(levels.solve(x), np.linalg.solve(v, x), atol=1e-8)
    np.testing.assert_allclose(levels.solve(y), np.linalg.solve(v, y), atol=1e-8)


def test_the_gradient_is_the_criterions() -> None:
    y, x, factors = crossed(1)
    meetings = Meetings(factors)
    for variances in ([0.5, 0.5, 0.5], [1e-3, 3.0, 0.1], [2.0, 1e-4, 1e-3]):
        at = np.array(variances)
        point = reml._at(np.sqrt(at), meetings, factors, y, x)
        assert point.deviance == pytest.approx(dense_deviance(y, x, dense(factors, np.sqrt(at))))
        numeric = approx_fprime(
            at, lambda v: reml._at(np.sqrt(v), meetings, factors, y, x).deviance, 1e-7
        )
        np.testing.assert_allclose(point.gradient, numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_fit_is_the_dense_optimum(seed: int) -> None:
    y, x, factors = crossed(seed)
    fitted = reml.fit(y, x, factors)
    best = min(
        (
            minimize(
                lambda r: dense_deviance(y, x, dense(factors, np.abs(r))),
                start,
                method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 3000},
            )
            for start in ([0.5, 0.5, 0.5], [2.0, 1.0, 0.1])
        ),
        key=lambda found: found.fun,
    )
    assert fitted.deviance == pytest.approx(best.fun, abs=1e-5)
    np.testing.assert_allclose(fitted.ratios, np.abs(best.x), atol=3e-3)
    inverse = np.linalg.inv(dense(factors, fitted.ratios)) / fitted.residual_variance
    np.testing.assert_allclose(fitted.covariance, np.linalg.inv(x.T @ inverse @ x), rtol=1e-8)


def test_as_statsmodels_has_it() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, x, factors = crossed(4, rows=90)
    frame = pd.DataFrame({f.name: f.codes for f in factors} | {"y": y, "c": x[:, 1], "z": x[:, 2]})
    theirs = MixedLM.from_formula(
        "y ~ c + z",
        frame,
        groups=np.ones(len(frame)),
        vc_formula={f.name: f"0 + C({f.name})" for f in factors},
    ).fit(reml=True)
    ours = reml.fit(y, x, factors)
    np.testing.assert_allclose(ours.beta, theirs.fe_params, atol=2e-3)
    names = [name.split(" ")[0] for name in theirs.model.exog_vc.names]
    for name, variance in zip(names, theirs.vcomp, strict=True):
        assert ours.sd[name] == pytest.approx(np.sqrt(variance), abs=2e-2)
    assert ours.sd["residual"] == pytest.approx(np.sqrt(theirs.scale), abs=5e-3)
    assert ours.deviance == pytest.approx(-2 * theirs.llf, abs=1e-3)


def balanced(seed: int) -> tuple[Any, Any, list[Factor], Any]:
    """Ten families of three bases with four entries each; the country is the family's."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(10), 12)
    base = np.repeat(np.arange(30), 4)
    chinese = (family < 4).astype(float)
    y = rng.normal(0, 3, 10)[family] + rng.normal(0, 1, 30)[base] + rng.normal(0, 1, 120)
    factors = [Factor.of("base", base.tolist()), Factor.of("family", family.tolist())]
    return y, np.column_stack([np.ones(120), chinese]), factors, family


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_balanced_design_gives_the_t_test_of_the_families_means(seed: int) -> None:
    y, x, factors, family = balanced(seed)
    fitted = reml.fit(y, x, factors)
    assert not fitted.singular
    found = inference.effect(fitted, 1, factors[1])
    means = np.array([y[family == f].mean() for f in range(10)])
    test = stats.ttest_ind(means[:4], means[4:])
    interval = test.confidence_interval(0.95)
    assert found.value == pytest.approx(means[:4].mean() - means[4:].mean(), abs=1e-6)
    assert found.satterthwaite == pytest.approx(8, abs=1e-3)
    assert found.cap == 8
    assert found.p == pytest.approx(test.pvalue, abs=1e-4)
    np.testing.assert_allclose(found.ci95, [interval.low, interval.high], atol=1e-3)


def test_kenward_roger_by_dense_matrices() -> None:
    y, x, factors = crossed(7)
    fitted = reml.fit(y, x, factors)
    assert not fitted.singular
    v = dense(factors, fitted.ratios) * fitted.residual_variance
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ inverse @ x)
    project = inverse - inverse @ x @ phi @ x.T @ inverse
    slopes = [f.dense() @ f.dense().T for f in factors] + [np.eye(len(y))]
    k = len(slopes)
    information = np.array(
        [[np.trace(project @ a @ project @ b) / 2 for b in slopes] for a in slopes]
    )
    w = np.linalg.inv(information)
    p = [-x.T @ inverse @ a @ inverse @ x for a in slopes]
    middle = sum(
        w[i, j]
        * (x.T @ inverse @ slopes[i] @ inverse @ slopes[j] @ inverse @ x - p[i] @ phi @ p[j])
        for i in range(k)
        for j in range(k)
    )
    adjusted = phi + 2 * phi @ middle @ phi
    slope = np.array([-(phi @ one @ phi)[1, 1] for one in p])
    df = 2 * phi[1, 1] ** 2 / (slope @ w @ slope)
    found = inference.effect(fitted, 1)
    assert found.error == pytest.approx(np.sqrt(adjusted[1, 1]), rel=1e-6)
    assert found.satterthwaite == pytest.approx(df, rel=1e-6)
    assert found.error > np.sqrt(phi[1, 1])


def test_a_component_that_is_not_there_is_told_as_zero() -> None:
    rng = np.random.default_rng(3)
    base = np.repeat(np.arange(8), 10)
    # Within each base the same values: no variance between bases beyond the residual's.
    y = np.tile(rng.normal(size=10), 8)
    fitted = reml.fit(y, np.ones((80, 1)), [Factor.of("base", base.tolist())])
    assert fitted.singular == ["base"]
    assert fitted.sd["residual"] == pytest.approx(np.std(y, ddof=1))


def test_what_cannot_be_fitted_is_refused() -> None:
    y, x, factors = crossed(0)
    with pytest.raises(ValueError, match="determine the others"):
        reml.fit(y, np.column_stack([x, x[:, 1]]), factors)
    with pytest.raises(ValueError, match="nothing is left"):
        reml.fit(x @ [1.0, 2.0, 3.0], x, factors)
    few = [Factor.of("base", [0, 1, 2])]
    with pytest.raises(ValueError, match="3 rows"):
        reml.fit(y[:3], x[:3], few)


def test_a_cap_only_where_the_column_is_the_families() -> None:
    y, x, factors = crossed(2)
    fitted = reml.fit(y, x, factors)
    assert inference.effect(fitted, 1, factors[2]).cap == 5 - 2
    assert inference.effect(fitted, 2, factors[2]).cap is None
