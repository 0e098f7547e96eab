"""Gains on three scales and their errors, against formulas, statsmodels and draws."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.compare.differences import mcnemar, tango
from workbench.study import gains


def test_the_share_of_the_headroom() -> None:
    before, after = np.array([0.4, 0.5, 0.98]), np.array([0.7, 0.4, 0.99])
    found = gains.headroom_gain(before, after, np.array([0.5, 0.5, 0.97]))
    assert found[:2] == pytest.approx([0.6, -0.2])
    assert np.isnan(found[2])


def test_log_odds_stay_finite_and_match_their_definition() -> None:
    n = np.array([100.0, 100.0, 100.0, np.nan])
    found = gains.log_odds(np.array([0.0, 1.0, 0.6, 0.6]), n)
    assert found[0] == pytest.approx(-np.log(100.5 / 0.5))
    assert found[1] == -found[0]
    assert found[2:] == pytest.approx([np.log(60.5 / 40.5), np.log(0.6 / 0.4)], abs=1e-3)


def test_errors_by_the_delta_method_are_the_spread_of_draws() -> None:
    rng = np.random.default_rng(0)
    n, p, q = 400, 0.5, 0.7
    both = 0.45
    before = rng.binomial(n, p, 200_000)
    after = rng.binomial(before, both / p) + rng.binomial(n - before, (q - both) / (1 - p))
    start = rng.binomial(n, p, 200_000) / n
    se_gain = np.sqrt((p + q - 2 * both - (q - p) ** 2) / n)
    se_p, se_q = np.sqrt(p * (1 - p) / n), np.sqrt(q * (1 - q) / n)
    share = gains.headroom_gain(before / n, after / n, start)
    of = np.array([q - p]), np.array([p]), np.array([se_gain]), np.array([se_p])
    assert gains.headroom_error(*of)[0] == pytest.approx(share.std(), rel=0.02)
    items = np.full(1, float(n))
    logit = gains.log_odds(after / n, np.full(200_000, float(n)))
    found = gains.log_odds_error(np.array([q]), items, np.array([se_q]))
    assert found[0] == pytest.approx(logit.std(), rel=0.02)


def test_one_seed_of_right_and_wrong_is_mcnemar_and_tango() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 2, 200), rng.integers(0, 2, 200)
    found = gains.item_gain(before, after, task="sums")
    gained, lost = int((after > before).sum()), int((after < before).sum())
    assert found.value == pytest.approx((gained - lost) / 200)
    assert found.ci95 == tango(gained, lost, 200)
    assert found.p == mcnemar(gained, lost)
    assert found.error == pytest.approx(np.std(after - before, ddof=1) / 200**0.5)
    assert (found.n, found.seeds) == (200, 1)


def test_seeds_are_averaged_by_item_first() -> None:
    """Seeds that answer alike add nothing: the interval is not that of twice as many items."""
    rng = np.random.default_rng(2)
    before = rng.integers(0, 2, 200).astype(float)
    after = rng.integers(0, 2, 200).astype(float)
    once = gains.item_gain(before, after, task="sums")
    twice = gains.item_gain(before, np.stack([after, after]), task="sums")
    assert twice.value == once.value
    assert twice.error == pytest.approx(once.error)
    assert twice.seeds == 2
    assert twice.ci95 == pytest.approx(once.ci95, abs=0.02)


def test_clusters_are_drawn_whole() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(3)
    clusters = np.repeat([f"c{k}" for k in range(40)], 5)
    before = rng.normal(size=200)
    after = before + np.repeat(rng.normal(0.3, 1, 40), 5) + rng.normal(0, 0.1, 200)
    found = gains.item_gain(before, after, clusters, task="sums")
    codes = np.unique(clusters, return_inverse=True)[1]
    theirs = api.OLS(after - before, np.ones(200)).fit(
        cov_type="cluster", cov_kwds={"groups": codes}
    )
    assert found.value == pytest.approx(theirs.params[0])
    # Theirs has a further factor of (n - 1) / (n - k), which is 1 here.
    assert found.error == pytest.approx(theirs.bse[0], rel=1e-6)
    assert found.ci95[1] - found.ci95[0] == pytest.approx(2 * 1.96 * found.error, rel=0.1)
    assert found.method == "paired bootstrap over clusters"


def test_items_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="3 items after, 2 before"):
        gains.item_gain([0, 1], [0, 1, 1], task="sums")
    with pytest.raises(ValueError, match="0 items"):
        gains.item_gain([], [], task="sums")
