"""The figures of a study against what they stand for: slopes, diamonds, units, rates, papers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_example import make_study

from workbench.report.figures.axis import Scale
from workbench.report.figures.study_diamond import diamond
from workbench.report.figures.study_rates import rate_text
from workbench.report.figures.study_share import share_row
from workbench.report.figures.study_starts import Start, common_slope, starts
from workbench.report.leaderboard_read import Node
from workbench.report.study_hypotheses import paper_links
from workbench.report.study_numbers import unit_of
from workbench.report.study_view import StudyView

SCALE = Scale(-10.0, 10.0, (-10.0, 0.0, 10.0))


def _bases(seed: int) -> list[Start]:
    rng = np.random.default_rng(seed)
    return [
        Start(f"b{i}", bool(i % 2), float(rng.normal(50 if i % 2 else 30, 8)),
              float(rng.normal(20, 5)))
        for i in range(14)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_the_lines_distance_is_the_difference_at_an_equal_start(seed: int) -> None:
    from statsmodels.api import OLS, add_constant

    bases = _bases(seed)
    asked = np.array([float(b.asked is True) for b in bases])
    before = np.array([b.before for b in bases])
    gain = np.array([b.gain for b in bases])
    fitted = OLS(gain, add_constant(np.column_stack([asked, before]))).fit()
    slope = common_slope(bases)
    assert slope == pytest.approx(fitted.params[2])
    rise = {side: gain[asked == side].mean() - slope * before[asked == side].mean()
            for side in (0.0, 1.0)}  # fmt: skip
    assert rise[1.0] - rise[0.0] == pytest.approx(fitted.params[1])


def test_the_lines_are_drawn_parallel() -> None:
    figure = str(starts(_bases(0), {True: "a", False: "b"}, "label"))
    lines = re.findall(r'd="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)" class="trace', figure)
    rises = [(float(d) - float(b)) / (float(c) - float(a)) for a, b, c, d in lines]
    assert len(rises) == 2
    assert rises[0] == pytest.approx(rises[1], abs=0.002)


def test_bases_that_start_alike_have_no_slope() -> None:
    assert common_slope([Start("a", True, 30.0, 1.0), Start("b", False, 30.0, 2.0)]) is None
    assert starts([Start("a", True, 30.0, 1.0)], {}, "label") is None


@given(st.floats(-9, 9), st.floats(0.5, 5), st.floats(0.5, 5))
def test_a_diamond_lies_over_its_interval_with_its_peak_at_the_value(
    value: float, below: float, above: float
) -> None:
    low, high = max(-10.0, value - below), min(10.0, value + above)
    figure = str(diamond(value, (low, high), SCALE, "words"))
    x, width = re.findall(r'<svg x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%"', figure)[0]
    peak = float(re.findall(r"M0 50L([\d.]+) 0", figure)[0]) / 1000
    assert float(x) == pytest.approx(100 * SCALE.at(low), abs=0.01)
    assert float(x) + float(width) == pytest.approx(100 * SCALE.at(high), abs=0.02)
    assert float(x) + peak * float(width) == pytest.approx(100 * SCALE.at(value), abs=0.1)


@pytest.mark.parametrize("ci95", [(None, None), (1.0, 1.0), (0.99, 1.01)])
def test_an_interval_without_width_leaves_a_plain_mark(ci95: tuple[float, float]) -> None:
    figure = str(diamond(1.0, ci95, SCALE, "words"))
    assert 'class="pooled open"' in figure and "1000 50L" not in figure
    assert "pooled" not in str(diamond(None, ci95, SCALE, "words"))


@pytest.mark.parametrize(
    ("value", "at_least", "style"),
    [(0.9, True, "sure"), (0.89, True, "missed"), (0.05, False, "sure"), (0.06, False, "missed")],
)
def test_a_share_that_misses_its_goal_is_hollow(value: float, at_least: bool, style: str) -> None:
    goal = 0.9 if at_least else 0.05
    figure = str(share_row(value, (0.0, 1.0), goal, "words", at_least=at_least))
    assert f'class="mark {style}"' in figure


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("score", 0.0786, "+7.9"), ("score", -0.0004, "0.0"), ("share", -0.083, "−8.3%"),
        ("logit", -0.438, "−0.44"), ("nats a token", 0.0262, "+0.026"), ("score", None, "–"),
        ("score", float("nan"), "–"), ("AUC", True, "–"),
    ],
)  # fmt: skip
def test_scores_and_shares_are_shown_in_hundredths(unit: str, value: object, text: str) -> None:
    assert unit_of(unit).write(value) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(2e-4, "2e−4"), (1e-3, "1e−3"), (0.05, "0.05"), (1.25e-5, "1.25e−5"), (1.0, "1")],
)
def test_rates_are_written_as_people_do(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_only_arxiv_numbers_become_links() -> None:
    links = re.findall(r'href="([^"]*)"', str(paper_links("arXiv 2404.02936, 2310.17623")))
    assert links == ["https://arxiv.org/abs/2404.02936", "https://arxiv.org/abs/2310.17623"]
    short = str(paper_links("arXiv 2404.02936 (Min-K%++) and <b>more</b>", short=True))
    assert re.sub(r"<[^>]*>", "", short) == "arXiv 2404.02936"
    for other in ("10.1037/h0025105", "1.2404.02936", "version 12404.029361", "unpublished"):
        assert "href" not in str(paper_links(other))


def test_bases_are_ordered_by_side_family_and_value() -> None:
    study = make_study()
    view = StudyView(study)
    assert [group.name for group in view.forest.groups] == ["Chinese", "the rest"]
    final = {b["base"]: b["value"] for b in study["study"]["estimands"][0]["bases"]}
    for group in view.forest.groups:
        families: list[list[float]] = []
        for row in group.rows:
            if row.family:
                families.append([])
            families[-1].append(final[row.base])
        assert all(values == sorted(values, reverse=True) for values in families)
        assert [max(values) for values in families] == sorted(map(max, families), reverse=True)


def test_families_that_move_the_difference_most_come_first() -> None:
    study = make_study()
    for one in study["study"]["estimands"]:
        for left in one["left_out"]:
            left["value"] = one["value"] + (0.03 if left["family"] == "olmo-2" else 0.001)
    rows = StudyView(study).parts.influence
    assert [row.label for row in rows[:2]] == ["all", "without olmo-2"]


def test_a_unit_that_is_not_known_is_written_after_the_figure() -> None:
    assert unit_of("nats").word == "nats" and unit_of("score").word == "points"
    assert Node(None).ends == (None, None)
