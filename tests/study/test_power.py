"""What a design can tell, against the t test's own power, and what it must refuse to promise."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from workbench.study.statistics.power import Noise, design_power, power_at

DESIGN: dict[str, Any] = {"seeds": 2, "items": 400, "spread": 0.05, "asked": "chinese"}


def groups(chinese: list[int], others: list[int]) -> dict[str, dict[str, int]]:
    return {
        "chinese": {f"c{k}": n for k, n in enumerate(chinese)},
        "others": {f"o{k}": n for k, n in enumerate(others)},
    }


def test_the_t_tests_own_power_where_families_are_many() -> None:
    at = power_at([2] * 10, [2] * 12, Noise(0.05, 0.04), 0.05)
    error = ((0.05**2 + 0.04**2 / 2) * (1 / 10 + 1 / 12)) ** 0.5
    reach = stats.t.ppf(0.975, 20)
    for difference in (0.0, 0.04, 0.08):
        shift = difference / error
        expected = stats.nct.sf(reach, 20, shift) + stats.nct.cdf(-reach, 20, shift)
        # Two thousand studies: a standard error of 0.011 at most; the permutation asks for more.
        assert at(difference) == pytest.approx(expected, abs=0.03)


def test_the_smallest_is_found_as_often_as_asked() -> None:
    found = design_power(groups([2, 1, 3, 2, 1], [2] * 6), **DESIGN)
    assert found.can_answer
    assert not found.reason
    assert found.smallest is not None
    curve = dict(found.curve)
    assert curve[found.smallest] == pytest.approx(0.8, abs=0.01)
    assert curve[0.0] <= 0.06
    powers = [power for _, power in found.curve]
    assert powers == sorted(powers)
    assert found == design_power(groups([2, 1, 3, 2, 1], [2] * 6), **DESIGN)


def test_families_beat_seeds() -> None:
    found = design_power(groups([1] * 5, [1] * 5), **DESIGN)
    now, wider, longer = (
        design_power(groups([1] * n, [1] * n), **{**DESIGN, "seeds": seeds}).smallest
        for n, seeds in ((5, 2), (7, 2), (5, 4))
    )
    assert now is not None
    assert wider is not None
    assert longer is not None
    assert wider < 0.85 * now
    assert 0.97 * now < longer <= now
    assert found.more[0].startswith("two more families in each group (7 and 7): would find ")
    assert f"{100 * wider:.1f} points in place of {100 * now:.1f}" in found.more[0]
    assert found.more[1].startswith("two more seeds (4): ")


@pytest.mark.parametrize(
    ("chinese", "others", "why"),
    [
        ([3], [1] * 9, "one family"),
        ([1, 1], [4], "one family"),
        ([], [1, 1, 1], "no base"),
        ([1, 1], [1, 1, 1, 1], "0.067"),
        ([1, 1, 1], [1, 1, 1], "0.100"),
    ],
)
def test_what_cannot_answer_says_why(chinese: list[int], others: list[int], why: str) -> None:
    found = design_power(groups(chinese, others), **DESIGN)
    assert not found.can_answer
    assert found.smallest is None
    assert why in found.reason
    assert found.curve == ()
    assert len(found.more) == 2


def test_too_wide_a_spread_finds_nothing() -> None:
    found = design_power(groups([1] * 4, [1] * 4), **{**DESIGN, "spread": 0.6})
    assert not found.can_answer
    assert "100 points" in found.reason


def test_a_group_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="'chinese'"):
        design_power({"others": {"a": 1}}, **DESIGN)
