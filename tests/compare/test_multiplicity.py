"""Adjusted p values against their definitions, and the algebra that they must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.compare.multiplicity import benjamini_hochberg, holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def _holm(p: Sequence[float]) -> list[float]:
    """The largest of (m - rank) p over all that are as small, at most 1."""
    m = len(p)
    steps = [((m - sum(q < one for q in p)) * one, one) for one in p]
    return [min(1.0, max(step for step, other in steps if other <= one)) for one in p]


def _benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """The smallest of m p / rank over all that are as large, at most 1."""
    m = len(p)
    steps = [(m * one / sum(q <= one for q in p), one) for one in p]
    return [min(1.0, min(step for step, other in steps if other >= one)) for one in p]


NAIVE = {holm: _holm, benjamini_hochberg: _benjamini_hochberg}


@pytest.mark.parametrize("adjust", NAIVE)
@settings(deadline=None, max_examples=50)
@given(p=P)
def test_as_defined(adjust: Callable[[Sequence[float]], list[float]], p: list[float]) -> None:
    assert adjust(p) == pytest.approx(NAIVE[adjust](p))


def test_a_published_example() -> None:
    """Benjamini and Hochberg (1995), section 4.1: fifteen p values of which four are rejected."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
         0.4262, 0.5719, 0.6528, 0.7590, 1.000]  # fmt: skip
    assert sum(one <= 0.05 for one in benjamini_hochberg(p)) == 4
    assert sum(one <= 0.05 for one in holm(p)) == 3


@given(p=P)
def test_never_below_the_p_itself_and_holm_above(p: list[float]) -> None:
    first, second = holm(p), benjamini_hochberg(p)
    for plain, strict, loose in zip(p, first, second, strict=True):
        assert plain <= loose * (1 + 1e-12)
        assert loose <= strict * (1 + 1e-12)


def test_none_and_nonsense() -> None:
    assert holm([]) == benjamini_hochberg([]) == []
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.2, float("nan")])
