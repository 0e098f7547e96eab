"""Boundaries against published tables, and the error that they are there to bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from workbench.compare.sequential import boundaries, crossing, repeated_p, spent


def equal(looks: int) -> tuple[float, ...]:
    return tuple(k / looks for k in range(1, looks + 1))


#: Two-sided 5%, five equal looks: Reboussin, DeMets, Kim and Lan (2000), Control. Clin. Trials 21,
#: 190-207, and the R package ldbounds, which that program became.
LAN_DEMETS = {
    "obrien-fleming": (4.8769, 3.3569, 2.6803, 2.2898, 2.0310),
    "pocock": (2.4380, 2.4268, 2.4101, 2.3966, 2.3859),
}


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_lan_demets_boundaries(spending: str) -> None:
    ours = boundaries(equal(5), 0.05, spending)  # type: ignore[arg-type]
    assert ours == pytest.approx(LAN_DEMETS[spending], abs=1.5e-4)
    one = boundaries(equal(5), 0.025, spending, 1)  # type: ignore[arg-type]
    assert one == pytest.approx(LAN_DEMETS[spending], abs=1.5e-4)


#: Constants of the classic designs, two-sided: Jennison and Turnbull (2000), tables 2.1 and 2.3.
POCOCK = {(2, 0.05): 2.178, (3, 0.05): 2.289, (5, 0.05): 2.413, (10, 0.05): 2.555, (5, 0.1): 2.122}
CLASSIC = {(2, 0.05): 1.977, (3, 0.05): 2.004, (5, 0.05): 2.040, (10, 0.05): 2.087, (5, 0.1): 1.751}


@pytest.mark.parametrize(("looks", "alpha"), POCOCK)
def test_the_classic_designs_spend_what_their_tables_say(looks: int, alpha: float) -> None:
    constant = [POCOCK[looks, alpha]] * looks
    assert sum(crossing(constant, equal(looks))) == pytest.approx(alpha, abs=1.5e-4)
    falling = [CLASSIC[looks, alpha] * math.sqrt(looks / k) for k in range(1, looks + 1)]
    assert sum(crossing(falling, equal(looks))) == pytest.approx(alpha, abs=2.5e-4)


#: Error of an unadjusted 5% test repeated: Armitage, McPherson and Rowe (1969), table 2.
PEEKING = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248}


def test_peeking_is_as_wrong_as_published() -> None:
    for looks, error in PEEKING.items():
        peeked = crossing([norm.ppf(0.975)] * looks, equal(looks))
        assert sum(peeked) == pytest.approx(error, abs=6e-4)


def test_unequal_looks_and_other_levels_spend_the_error_as_they_should() -> None:
    looks = (0.13, 0.5, 0.62, 1.0)
    for sides in (1, 2):
        for spending in ("obrien-fleming", "pocock"):
            bounds = boundaries(looks, 0.1, spending, sides)  # type: ignore[arg-type]
            exits = np.cumsum(crossing(bounds, looks, sides=sides))  # type: ignore[arg-type]
            spends = [sides * spent(f, 0.1 / sides, spending) for f in looks]  # type: ignore[arg-type]
            assert exits == pytest.approx(spends, abs=1e-8)


def test_against_walks_that_are_drawn() -> None:
    generator = np.random.default_rng(0)
    looks = np.array(equal(5))
    steps = generator.normal(size=(200_000, 5)) * math.sqrt(0.2)
    for drift in (0.0, 2.5):
        z = (np.cumsum(steps + drift * 0.2, axis=1)) / np.sqrt(looks)
        bounds = np.array(boundaries(equal(5)))
        first = np.argmax(np.abs(z) >= bounds, axis=1)
        crossed = (np.abs(z) >= bounds).any(axis=1)
        drawn = [float((crossed & (first == k)).mean()) for k in range(5)]
        assert crossing(bounds.tolist(), equal(5), drift=drift) == pytest.approx(drawn, abs=4e-3)


def test_one_look_is_the_ordinary_test() -> None:
    assert boundaries((1.0,), 0.05)[0] == pytest.approx(norm.ppf(0.975), abs=1e-8)
    assert boundaries((1.0,), 0.05, "pocock", 1)[0] == pytest.approx(norm.ppf(0.95), abs=1e-8)
    assert repeated_p(0.031, 1, (1.0,)) == pytest.approx(0.031, rel=1e-3)
    assert sum(crossing([norm.ppf(0.975)], [1.0], drift=3.2415)) == pytest.approx(0.9, abs=1e-4)


def test_a_very_early_look_can_not_stop() -> None:
    assert boundaries((0.01, 1.0))[0] == math.inf


def test_the_p_of_all_looks_is_alpha_on_the_boundary() -> None:
    for look, bound in enumerate(boundaries(equal(5), 0.05, "pocock"), start=1):
        alone = 2 * norm.sf(bound)
        assert repeated_p(alone, look, equal(5), "pocock") == pytest.approx(0.05, rel=1e-3)
    values = [repeated_p(p, 3, equal(5)) for p in (1e-12, 1e-6, 0.001, 0.01, 0.2, 0.9, 1.0)]
    assert values == sorted(values)
    assert values[-1] == 1.0


@pytest.mark.parametrize("looks", [(), (0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 1.2)])
def test_looks_that_do_not_rise(looks: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares must rise"):
        boundaries(looks)
