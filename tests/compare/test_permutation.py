"""Countries dealt out over families, against dense algebra and against what a test must do."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from workbench.compare import permutation
from workbench.compare.mixed import reml
from workbench.compare.mixed.levels import Factor


def world(seed: int, families: int = 7, chosen: int = 3) -> tuple:
    rng = np.random.default_rng(seed)
    family = np.sort(rng.integers(0, families, 50))
    family[:families] = np.arange(families)
    chinese = (family < chosen).astype(float)
    control = rng.normal(size=50)
    y = rng.normal(0, 1, families)[family] + control + rng.normal(0, 1, 50)
    factors = [Factor.of("family", family.tolist())]
    return y, chinese, np.column_stack([np.ones(50), control]), factors, family


def test_every_deal_by_dense_matrices() -> None:
    y, chinese, x, factors, family = world(0)
    null = reml.fit(y, x, factors)
    found = permutation.permute_families(null, chinese, factors[0], seed=0)
    z = factors[0].dense()
    v = null.residual_variance * (np.eye(50) + null.ratios[0] ** 2 * z @ z.T)
    inverse = np.linalg.inv(v)
    project = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse

    def statistic(chosen: tuple[int, ...]) -> float:
        dealt = np.isin(family, chosen).astype(float)
        return float((dealt @ project @ y) ** 2 / (dealt @ project @ dealt))

    deals = [statistic(chosen) for chosen in combinations(range(7), 3)]
    expected = np.mean(np.array(deals) >= statistic((0, 1, 2)) * (1 - 1e-9))
    assert found.every
    assert found.deals == 35
    assert found.p == pytest.approx(expected)


def test_without_an_effect_p_is_as_often_low_as_it_says() -> None:
    low = 0
    for seed in range(120):
        y, chinese, x, factors, _ = world(seed)
        null = reml.fit(y, x, factors)
        low += permutation.permute_families(null, chinese, factors[0], seed=0).p <= 0.2
    # Binomial(120, 0.2): 24 expected, beyond 11 to 38 once in a thousand.
    assert 11 <= low <= 38


def test_many_families_are_drawn_and_the_draw_repeats() -> None:
    y, chinese, x, factors, _ = world(1, families=20, chosen=8)
    null = reml.fit(y + 6 * chinese, x, factors)
    first = permutation.permute_families(null, chinese, factors[0], seed=5)
    again = permutation.permute_families(null, chinese, factors[0], seed=5)
    assert not first.every
    assert first == again
    assert 1 / (permutation.DEALS + 1) <= first.p < 0.01
