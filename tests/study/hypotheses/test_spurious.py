"""The share of the gain that labels without information give."""

from __future__ import annotations

import numpy as np
import pytest

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.study.hypotheses._arms import TREATMENT
from workbench.study.hypotheses.spurious import FORMAT, RANDOM, SHARE, Spurious
from workbench.study.hypothesis import Finding
from workbench.study.subject import Subject

PROBE = Spurious()


def labelled(
    true: float, random: float, form: float | None = None, before: float = 0.1, seed: int = 0
) -> Subject:
    after = {TREATMENT: frame(right(true, seed=1)), RANDOM: frame(right(random, seed=2))}
    if form is not None:
        after[FORMAT] = frame(right(form, seed=3))
    return subject(frame(right(before, seed=4)), after, seed)


def test_the_share_of_the_true_gain() -> None:
    found = PROBE.measure(labelled(0.9, 0.3, 0.2))
    assert found.value == pytest.approx(0.25)
    assert found.parts["gains"]["true"][0] == pytest.approx(0.8)
    assert found.parts["shares"][FORMAT][0] == pytest.approx(0.125)
    assert found.ci95 is not None
    assert found.ci95[0] < 0.25 < found.ci95[1]
    assert "random ones +0.20 (25% of it), their form alone +0.10" in found.words
    assert PROBE.decide(found, []) is False


def test_it_fires_where_random_labels_do_as_well() -> None:
    found = PROBE.measure(labelled(0.9, 0.8, 0.7))
    assert PROBE.decide(found, []) is True
    alone = PROBE.measure(labelled(0.9, 0.8))
    assert FORMAT not in alone.parts["shares"]
    assert alone.value == found.value


def test_labels_that_harm_are_a_negative_share() -> None:
    found = PROBE.measure(labelled(0.9, 0.05, before=0.3))
    assert found.value is not None and found.value < 0
    assert PROBE.decide(found, []) is False


def test_no_share_is_taken_of_a_small_gain() -> None:
    found = PROBE.measure(labelled(0.14, 0.5))
    assert found.value is None
    assert "too little" in found.words
    assert found.parts["gains"]["true"][0] == pytest.approx(0.04)
    assert PROBE.decide(found, []) is None
    lost = PROBE.measure(subject(frame([0.0]), {TREATMENT: frame([1.0])}))
    assert "no arm with random labels" in lost.words


def test_its_arms_change_the_labels_and_nothing_else() -> None:
    assert {arm.name: (arm.labels, dict(arm.changes)) for arm in PROBE.arms} == {
        RANDOM: ("random", {}),
        FORMAT: ("format", {}),
    }


@pytest.mark.parametrize(
    ("interval", "said"),
    [((SHARE + 0.01, 1.0), True), ((SHARE - 0.1, SHARE + 0.1), None), ((-0.1, SHARE), False)],
)
def test_the_rule(interval: tuple[float, float], said: bool | None) -> None:
    assert PROBE.decide(Finding(0.5, interval, 9, ""), []) is said


def test_intervals_are_numbers_even_where_gains_are_small() -> None:
    """The record is JSON, which has no infinity: the guard keeps the divisor above zero."""
    for seed in range(40):
        draw = np.random.default_rng(seed)
        after = {TREATMENT: frame(draw.random(40) < 0.4), RANDOM: frame(draw.random(40) < 0.4)}
        found = PROBE.measure(subject(frame(draw.random(40) < 0.1), after, seed))
        if found.ci95 is not None:
            assert np.isfinite(found.ci95).all()


def test_the_order_of_rows_changes_nothing() -> None:
    given = labelled(0.7, 0.4, 0.3, seed=6)
    assert PROBE.measure(given) == PROBE.measure(given) == PROBE.measure(shuffled_subject(given))
