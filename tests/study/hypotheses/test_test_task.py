"""The share of the score after the task data that was there before."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.study.hypotheses._arms import TREATMENT
from workbench.study.hypotheses.test_task import SHARE, TestTask
from workbench.study.hypothesis import Finding
from workbench.study.subject import Subject

PROBE = TestTask()


def treated(before: float, after: float, seed: int = 0, **options: float) -> Subject:
    scores = {TREATMENT: frame(right(after, seed=2))}
    return subject(frame(right(before, seed=1)), scores, seed, options=options)


def test_before_over_after() -> None:
    found = PROBE.measure(treated(0.45, 0.9))
    assert found.value == pytest.approx(0.5)
    assert found.n == 400
    assert found.ci95 is not None
    # The delta method for the ratio of two means of independent halves of a pair.
    relative = math.sqrt(0.55 / 0.45 / 400 + 0.1 / 0.9 / 400)
    reach = 1.96 * 0.5 * relative
    assert found.ci95 == pytest.approx((0.5 - reach, 0.5 + reach), abs=0.015)
    assert "50% was there before" in found.words
    assert PROBE.decide(found, []) is False


def test_a_base_that_has_met_the_task() -> None:
    found = PROBE.measure(treated(0.9, 0.95))
    assert PROBE.decide(found, []) is True
    assert found.parts["gain"] == pytest.approx(0.05)


def test_the_score_of_a_guess_is_no_knowledge() -> None:
    """At a choice of four, 0.25 before and 0.85 after: nothing was there."""
    found = PROBE.measure(treated(0.25, 0.85, floor=0.25))
    assert found.value == pytest.approx(0)
    assert PROBE.measure(treated(0.25, 0.85)).value == pytest.approx(0.25 / 0.85)


def test_a_task_that_was_not_learnt_tells_nothing() -> None:
    found = PROBE.measure(treated(0.02, 0.05))
    assert found.value is None
    assert "too little" in found.words
    assert PROBE.decide(found, []) is None
    lost = PROBE.measure(subject(frame([0.0]), {}))
    assert "'treatment' was not made" in lost.words


@pytest.mark.parametrize(
    ("interval", "said"),
    [((SHARE + 0.01, 1.0), True), ((SHARE - 0.1, SHARE + 0.1), None), ((0.0, SHARE), False)],
)
def test_the_rule(interval: tuple[float, float], said: bool | None) -> None:
    assert PROBE.decide(Finding(0.7, interval, 9, ""), []) is said


def test_the_order_of_rows_changes_nothing() -> None:
    given = treated(0.6, 0.8, seed=5)
    assert PROBE.measure(given) == PROBE.measure(given) == PROBE.measure(shuffled_subject(given))


def test_the_interval_covers() -> None:
    """Of 200 pairs of samples from known chances, 95% of the intervals hold the true ratio."""
    inside = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        before, after = draw.random(120) < 0.4, draw.random(120) < 0.8
        found = PROBE.measure(subject(frame(before), {TREATMENT: frame(after)}, seed))
        assert found.ci95 is not None
        inside += found.ci95[0] <= 0.5 <= found.ci95[1]
    assert 181 <= inside <= 198
