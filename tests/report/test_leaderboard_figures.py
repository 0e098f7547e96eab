"""The geometry of a leaderboard's figures: places of names, axes, staircases, densities of luck."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.leaderboard.worthless import best_of
from workbench.report import numbers
from workbench.report.figures.axis import nice
from workbench.report.figures.leaderboard_axes import MOST_LABELS, days, linear, logarithmic
from workbench.report.figures.leaderboard_frontier import Record, frontier, steps
from workbench.report.figures.leaderboard_luck import best_density
from workbench.report.figures.leaderboard_plane import apart
from workbench.report.figures.leaderboard_profile import HEIGHT, profile
from workbench.report.figures.leaderboard_rows import row
from workbench.report.leaderboard_read import Node

places = st.lists(st.floats(0, 300), min_size=1, max_size=30)


@given(places)
def test_names_keep_their_order_and_do_not_touch(wanted: list[float]) -> None:
    found = apart(wanted, 14, 0, 300)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    stood = [found[i] for i in order]
    room = min(14, 300 / max(1, len(wanted) - 1))
    assert all(b - a >= room - 1e-6 for a, b in pairwise(stood))
    assert all(-1e-6 <= place <= 300 + 1e-6 for place in stood)


def test_names_that_do_not_touch_stay_where_they_are() -> None:
    assert apart([30, 200, 90], 14, 0, 300) == [30, 200, 90]
    assert apart([100, 100], 14, 0, 300) == [93, 107]
    assert apart([100, 105, 200], 14, 0, 300) == [95.5, 109.5, 200]
    assert apart([299, 300], 14, 0, 300) == [286, 300]


def test_a_logarithmic_axis_gives_every_doubling_the_same_room() -> None:
    axis = logarithmic(1, 64)
    gaps = np.diff([axis.at(2.0**k) for k in range(7)])
    assert gaps == pytest.approx([gaps[0]] * 6)
    assert [text for _, text, _ in axis.ticks] == ["1", "2", "5", "10", "20", "50"]
    with pytest.raises(ValueError):
        logarithmic(0, 3)


@given(st.dates(date(2015, 1, 1), date(2030, 1, 1)), st.integers(0, 4000))
def test_days_have_few_ticks_at_beginnings_of_months(first: date, length: int) -> None:
    last = date.fromordinal(first.toordinal() + length)
    axis = days(first, last)
    assert len(axis.ticks) <= MOST_LABELS
    assert all(0 <= place <= 1 for place, _, _ in axis.ticks)
    assert axis.at(first.toordinal()) < axis.at(last.toordinal() + 1)


def test_days_are_labelled_with_the_month_that_begins_there() -> None:
    first, last = date(2024, 6, 8), date(2024, 10, 15)
    axis = days(first, last)
    assert [text for _, text, _ in axis.ticks] == ["Jul 24", "Aug 24", "Sep 24", "Oct 24"]
    assert axis.ticks[0][0] == axis.at(date(2024, 7, 1).toordinal())


def test_a_staircase_holds_each_value_until_the_next() -> None:
    assert steps([(1, 5.0), (4, 7.0)], 9) == [(1, 5.0), (4, 5.0), (4, 7.0), (9, 7.0)]
    assert steps([], 9) == []


def test_the_frontier_draws_a_mark_a_record_and_names_its_model() -> None:
    chinese = [Record(date(2024, 6, 1), 35.1, "Qwen/a<b>"), Record(date(2024, 8, 1), 44.8, "x/y")]
    other = [Record(date(2023, 1, 9), 36.2, "meta/z"), Record(date(2024, 7, 1), 37.0, "meta/w")]
    first, last = date(2024, 5, 20), date(2024, 10, 1)
    drawn = frontier(chinese, other, first, last, "Frontier")
    assert len(re.findall(r'class="mark chinese"', drawn)) == 2
    assert "2024-08-01: x/y, 44.8" in drawn and "<b>" not in drawn
    # What stood before the picture begins comes in from its edge, without a mark.
    assert len(re.findall(r'class="mark other"', drawn)) == 1 and "meta/z" not in drawn
    lines = re.findall(r'd="M([\d.]+) ([\d.]+)L[^"]*" class="trace other"', drawn)
    assert float(lines[0][0]) == pytest.approx(30)


@pytest.mark.parametrize("n", [1, 10, 1000])
def test_the_density_of_the_best_of_n_is_that_of_the_largest_order_statistic(n: int) -> None:
    x = np.linspace(-3, 5, 20001)
    density = np.array([best_density(value, 0.5, n) for value in x])
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(x * density, x) == pytest.approx(best_of(n, 0.5).expected, abs=1e-4)
    below = np.trapezoid(density[x <= 1], x[x <= 1])
    assert below == pytest.approx(stats.norm.cdf(2) ** n, abs=1e-3)


def test_a_row_says_its_numbers_and_draws_every_model() -> None:
    scale = nice(-10, 10)
    drawn = row(3.25, (1.0, 5.5), scale, "words", chinese=True, dots=[(1.0, "a/b"), (4.0, "c/<d>")])
    assert drawn.count('class="model chinese"') == 2 and "c/&lt;d&gt;" in drawn
    assert 'aria-label="words"' in drawn and 'data-value="3.25"' in drawn
    many = row(3.0, (1.0, 5.0), scale, "many", dots=[(i / 10, "x") for i in range(70)])
    assert "<circle" not in many and len(re.findall(r"h0", many)) == 70
    assert 'class="mark' not in row(None, (None, None), scale, "none")


def test_bars_of_a_profile_are_as_high_as_their_values() -> None:
    drawn = profile({"a": 10.0, "b": -5.0, "c": None, "d": 40.0}, "d", 20.0, "label")
    heights = [float(h) for h in re.findall(r'<rect[^>]*height="([\d.]+)"', drawn)]
    full = HEIGHT / 2 - 1
    assert heights == pytest.approx([full / 2, full / 4, full], abs=0.06)
    assert drawn.count("bar-odd") == 1


def test_a_linear_axis_marks_zero_only_where_values_bear_a_sign() -> None:
    assert [zero for *_, zero in linear(nice(-1, 1), sign=True).ticks].count(True) == 1
    assert not any(zero for *_, zero in linear(nice(0, 1)).ticks)


def test_a_place_in_the_file_knows_its_path_and_survives_what_is_missing() -> None:
    root = Node({"a": [{"b": 1.5, "c": [1, 2]}], "nan": float("nan")})
    assert root.a[0].b.number == 1.5 and root.a[0].b.path == "/a/0/b"
    assert root.a[0].c.ends == (1, 2)
    assert not root.x.y[3].z and root.x.y.ends == (None, None) and list(root.x) == []
    assert root.nan.number is None
    assert Node({})["x/y~z"].path == "/x~1y~0z"
    assert [node.path for node in root.a] == ["/a/0"]


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [(0.97, True, "+1.0"), (-0.04, True, "0.0"), (-3.25, True, "−3.2"), (44.75, False, "44.8"),
     (None, True, "–"), (float("nan"), False, "–")],
)  # fmt: skip
def test_points_are_written_with_one_decimal(value: object, sign: bool, text: str) -> None:
    assert numbers.points(value, sign=sign) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.500"), (2.28e-37, "2e−37"), (4e-4, "4e−4"), (0.0, "<0.001")]
)
def test_small_chances_keep_their_power_of_ten(value: float, text: str) -> None:
    assert numbers.small(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "5%"), (0.1269, "13%"), (0.0014, "0.1%"), (0, "0%"), (None, "–")]
)
def test_shares_are_written_in_per_cent(value: object, text: str) -> None:
    assert numbers.per_cent(value) == text


def test_hyphens_before_figures_become_minus_signs_and_names_keep_theirs() -> None:
    text = "from -4.43 to +1 (-2) for calme-2.1-qwen2-72b in 2024-10"
    assert numbers.true_minus(text) == "from −4.43 to +1 (−2) for calme-2.1-qwen2-72b in 2024-10"
