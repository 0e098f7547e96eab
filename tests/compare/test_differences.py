"""McNemar and Tango against scipy and a naive inversion; the bootstrap against its algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from workbench.compare.differences import mcnemar, paired_bootstrap, tango

Z = 1.959963984540054


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(gained: int, lost: int) -> None:
    tosses = gained + lost
    expected = stats.binomtest(gained, tosses).pvalue if tosses else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)


def _naive_statistic(b: int, c: int, n: int, delta: float) -> float:
    """The score statistic with the nuisance parameter found by maximising the likelihood."""

    def minus_log_likelihood(q: float) -> float:
        cells = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
        return -sum(k * math.log(max(p, 1e-300)) for k, p in cells if k)

    low, high = max(0.0, -delta), (1 - delta) / 2
    q = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta - delta * delta))


@pytest.mark.parametrize(("b", "c", "n"), [(7, 1, 21), (40, 20, 160), (3, 12, 50), (30, 25, 400)])
def test_tango_inverts_the_score_test(b: int, c: int, n: int) -> None:
    low, high = tango(b, c, n)
    assert _naive_statistic(b, c, n, high) == pytest.approx(-Z, abs=1e-3)
    assert _naive_statistic(b, c, n, low) == pytest.approx(Z, abs=1e-3)
    assert low < (b - c) / n < high


def test_tango_published_figure() -> None:
    """Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33: 1, 1, 7 and 12 children."""
    assert tango(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_tango_where_nothing_differs_has_a_closed_form() -> None:
    for n in (5, 44, 400):
        edge = Z * Z / (n + Z * Z)
        assert tango(0, 0, n) == pytest.approx((-edge, edge), abs=1e-9)


@given(st.tuples(*[st.integers(0, 60)] * 3).filter(lambda t: sum(t) > 0))
def test_tango_mirrors_and_stays_in_range(cells: tuple[int, int, int]) -> None:
    b, c, rest = cells
    n = b + c + rest
    low, high = tango(b, c, n)
    assert tango(c, b, n) == (-high, -low)
    assert -1 <= low <= (b - c) / n <= high <= 1


def test_tango_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError):
        tango(3, 3, 5)


def test_tango_coverage() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for gained, lost, _ in generator.multinomial(120, [0.12, 0.05, 0.83], size=1500):
        low, high = tango(int(gained), int(lost), 120)
        covered += low <= 0.07 <= high
    assert 0.935 <= covered / 1500 <= 0.97


differences = st.lists(st.floats(-1, 1), min_size=2, max_size=30)


@settings(max_examples=25, deadline=None)
@given(differences)
def test_bootstrap_mirrors_and_repeats(values: list[float]) -> None:
    (low, high), p = paired_bootstrap(values, None, seed=7, resamples=400)
    assert paired_bootstrap(values, None, seed=7, resamples=400) == ((low, high), p)
    mirrored = paired_bootstrap([-v for v in values], None, seed=7, resamples=400)
    assert mirrored == ((-high, -low), p)
    assert 0 < p <= 1


def test_bootstrap_of_identical_models() -> None:
    assert paired_bootstrap([0.0] * 9, None, seed=0) == ((0.0, 0.0), 1.0)


def test_bootstrap_agrees_with_the_t_interval() -> None:
    values = np.random.default_rng(4).normal(0.1, 0.3, 400)
    (low, high), p = paired_bootstrap(values, None, seed=1)
    expected = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected, abs=0.004)
    assert p < 0.001


def test_bootstrap_of_clusters_of_copies_is_that_of_one_copy() -> None:
    values = np.random.default_rng(5).normal(0.0, 1.0, 60)
    one = paired_bootstrap(values, None, seed=2)
    # Names that sort as the items stand, so that both draw the same.
    names = [f"{i:03d}" for i in range(60) for _ in range(5)]
    copies = paired_bootstrap(np.repeat(values, 5), names, seed=2)
    assert copies[0] == pytest.approx(one[0])
    assert copies[1] == one[1]
