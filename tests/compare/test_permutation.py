"""Countries dealt out over families, against dense algebra and against what a test must do."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from workbench.compare import permutation
from workbench.compare.mixed import nested, reml
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


@pytest.mark.parametrize("covariate", [False, True])
def test_families_means_are_ordered_by_the_groups_t(covariate: bool) -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(4)
    sizes = [1, 3, 2, 1, 2, 3, 1, 2]
    family = np.repeat(np.arange(8), sizes)
    x = np.ones((len(family), 1))
    if covariate:
        x = np.column_stack([x, rng.normal(size=len(family))])
    y = rng.normal(size=(3, len(family))) + rng.normal(0, 2, (3, 8))[:, family]
    null = nested.Design(x, Factor.of("family", family.tolist()))
    means, weights = null.means(y), null.weights(y)
    deals, every = permutation.deal(8, 3, seed=0)
    chosen = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    found = permutation.permute_means(means, weights, null.x, chosen, deals, every=every)
    assert every
    assert len(deals) == 56
    for k in range(3):

        def t(dealt: np.ndarray, k: int = k) -> float:
            columns = np.column_stack([null.x, dealt])
            return abs(api.WLS(means[k], columns, weights=weights[k]).fit().tvalues[-1])

        against = np.array([t(dealt) for dealt in deals])
        assert found[k] == pytest.approx(np.mean(against >= t(chosen) * (1 - 1e-9)))


def test_the_smallest_p_is_reached() -> None:
    for count, chosen in ((6, 3), (6, 2), (7, 3), (8, 4)):
        means = np.array([[10.0] * chosen + [0.0] * (count - chosen)])
        means += np.arange(count) * 1e-3
        deals, every = permutation.deal(count, chosen, seed=0)
        ones = np.ones((1, count))
        label = (np.arange(count) < chosen).astype(float)
        found = permutation.permute_means(means, ones, ones.T, label, deals, every=every)
        assert found[0] == pytest.approx(permutation.least_p(count, chosen))
    assert permutation.least_p(6, 2) == pytest.approx(1 / 15)
    assert permutation.least_p(20, 8) == pytest.approx(1 / 10_000)
