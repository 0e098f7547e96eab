"""Adjusted p values against statsmodels, and the algebra that they must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.compare.multiplicity import benjamini_hochberg, holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=20)
NAMES = {holm: "holm", benjamini_hochberg: "fdr_bh"}


@pytest.mark.parametrize("adjust", NAMES)
@settings(deadline=None, max_examples=50)
@given(p=P)
def test_as_statsmodels_has_it(
    adjust: Callable[[Sequence[float]], list[float]], p: list[float]
) -> None:
    from statsmodels.stats.multitest import multipletests

    expected = multipletests(p, method=NAMES[adjust])[1]
    assert adjust(p) == pytest.approx(list(expected))


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
