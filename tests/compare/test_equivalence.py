"""Equivalence against statsmodels, and every verdict once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.compare.equivalence import conclude, tost


@pytest.mark.parametrize("seed", range(5))
def test_as_statsmodels_has_it(seed: int) -> None:
    from statsmodels.stats.weightstats import ttost_ind

    rng = np.random.default_rng(seed)
    first, second = rng.normal(0.02, 0.05, 6), rng.normal(0, 0.05, 8)
    test = stats.ttest_ind(first, second)
    value = float(first.mean() - second.mean())
    expected = ttost_ind(first, second, -0.06, 0.06)[0]
    found = tost(value, abs(value / test.statistic), 12, 0.06)
    assert found == pytest.approx(expected)
    low, high = test.confidence_interval(0.90)
    assert (found <= 0.05) == (low > -0.06 and high < 0.06)


def test_without_scatter() -> None:
    assert tost(0.01, 0.0, 5, 0.03) == 0
    assert tost(0.04, 0.0, 5, 0.03) == 1
    with pytest.raises(ValueError, match="above 0"):
        tost(0.0, 0.1, 5, 0.0)


@pytest.mark.parametrize(
    ("ci95", "ci90", "margin", "p", "verdict"),
    [
        ((0.01, 0.09), (0.02, 0.08), 0.03, 0.01, "higher"),
        ((-0.09, -0.01), (-0.08, -0.02), 0.03, 0.05, "lower"),
        ((0.01, 0.09), (0.02, 0.08), 0.03, 0.06, "cannot tell"),
        ((0.01, 0.09), (0.02, 0.08), 0.03, None, "cannot tell"),
        ((-0.02, 0.02), (-0.01, 0.01), 0.03, None, "equivalent"),
        ((0.004, 0.02), (0.005, 0.019), 0.03, 0.01, "equivalent"),
        ((-0.02, 0.04), (-0.01, 0.03), 0.03, 0.3, "cannot tell"),
        ((-0.02, 0.02), (-0.01, 0.01), None, 0.5, "cannot tell"),
    ],
)
def test_every_verdict(
    ci95: tuple[float, float],
    ci90: tuple[float, float],
    margin: float | None,
    p: float | None,
    verdict: str,
) -> None:
    assert conclude(ci95, ci90, margin=margin, p_permutation=p) == verdict
