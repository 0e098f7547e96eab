"""Gains on three scales and their errors, against formulas, statsmodels and draws."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.study.statistics import gains


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
