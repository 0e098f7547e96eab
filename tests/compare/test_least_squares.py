"""Least squares against statsmodels, and what it must refuse."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.compare.least_squares import fit


@pytest.mark.parametrize("clustered", [False, True])
def test_agrees_with_statsmodels(clustered: bool) -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(3)
    group, compute = np.arange(40) % 2, rng.uniform(2, 5, 40)
    y = 0.5 + 0.05 * compute + 0.1 * group + rng.normal(0, 0.02, 40)
    families = [f"f{k // 4}" for k in range(40)]
    regressors = {"group": group.tolist(), "compute": compute.tolist()}
    ours = fit(y.tolist(), regressors, families if clustered else None)
    x = api.add_constant(np.column_stack(list(regressors.values())))
    if clustered:
        codes = np.unique(families, return_inverse=True)[1]
        theirs = api.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    else:
        theirs = api.OLS(y, x).fit()
    assert [c.value for c in ours.values()] == pytest.approx(list(theirs.params))
    assert [c.error for c in ours.values()] == pytest.approx(list(theirs.bse))
    assert [c.p for c in ours.values()] == pytest.approx(list(theirs.pvalues))
    assert [c.ci95 for c in ours.values()] == [
        pytest.approx(tuple(row)) for row in theirs.conf_int()
    ]


def test_without_controls_it_is_the_difference_of_means() -> None:
    y = [0.1, 0.4, 0.2, 0.7, 0.3]
    found = fit(y, {"group": [0, 1, 0, 1, 0]})["group"]
    assert found.value == pytest.approx(0.55 - 0.2)


def test_what_cannot_be_estimated_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot fit"):
        fit([1.0, 2.0], {"x": [0.0, 1.0]})
    with pytest.raises(ValueError, match="determine"):
        fit([1.0, 2.0, 3.0, 4.0], {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 2.0, 4.0, 6.0]})
    with pytest.raises(ValueError, match="two clusters"):
        fit([1.0, 2.0, 2.0, 4.0], {"x": [0.0, 1.0, 2.0, 5.0]}, ["a"] * 4)
