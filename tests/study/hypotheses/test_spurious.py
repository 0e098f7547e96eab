"""The share of the gain that labels without information give."""

from __future__ import annotations

import numpy as np
import pytest

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.study.hypotheses._arms import BEFORE, TREATMENT, Items, paired
from workbench.study.hypotheses.spurious import BRIEF, FORMAT, SHARE, WHOLE, Spurious
from workbench.study.hypothesis import Finding
from workbench.study.subject import Subject

PROBE = Spurious()


def labelled(
    true: float,
    brief: float,
    whole: float = 0.0,
    form: float | None = None,
    before: float = 0.1,
    seed: int = 0,
) -> Subject:
    after = {
        TREATMENT: frame(right(true, seed=1)),
        WHOLE: frame(right(whole, seed=5)),
        BRIEF: frame(right(brief, seed=2)),
    }
    if form is not None:
        after[FORMAT] = frame(right(form, seed=3))
    return subject(frame(right(before, seed=4)), after, seed)


def test_the_share_of_the_true_gain_on_the_other_half() -> None:
    given = labelled(0.9, 0.3, form=0.2)
    found = PROBE.measure(given)
    items = paired(given, [TREATMENT, BRIEF, FORMAT])
    assert isinstance(items, Items)
    second = items.half(False)
    gains = second.means() - second.of(BEFORE).mean()
    true, random, form = (gains[second.arms.index(name)] for name in (TREATMENT, BRIEF, FORMAT))
    assert found.value == pytest.approx(random / true)
    assert found.parts["gains"][TREATMENT][0] == pytest.approx(true)
    assert found.parts["share_of_format"] == pytest.approx(form / true)
    assert found.parts["arm"] == BRIEF
    assert found.ci95 is not None
    assert found.ci95[0] < random / true < found.ci95[1]
    assert f"random ones {random:+.2f} in a brief fine-tune ({random / true:.0%} of it)" in (
        found.words
    )
    assert PROBE.decide(found, []) is False


def test_it_fires_where_random_labels_do_as_well_in_one_of_the_two() -> None:
    for given in (labelled(0.9, 0.85, 0.0), labelled(0.9, 0.0, 0.85)):
        assert PROBE.decide(PROBE.measure(given), []) is True
    alone = PROBE.measure(labelled(0.9, 0.85, 0.0))
    assert "share_of_format" not in alone.parts


def test_choosing_between_the_two_is_not_rewarded() -> None:
    values = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        after = {TREATMENT: frame(np.ones(100))}
        after |= {name: frame(draw.random(100) < 0.4) for name in (WHOLE, BRIEF)}
        values.append(PROBE.measure(subject(frame(np.zeros(100)), after, seed)).value or 0.0)
    assert np.mean(values) == pytest.approx(0.4, abs=0.03)


def test_labels_that_harm_are_a_negative_share() -> None:
    found = PROBE.measure(labelled(0.9, 0.05, before=0.3))
    assert found.value is not None and found.value < 0
    assert PROBE.decide(found, []) is False


def test_no_share_is_taken_of_a_small_gain() -> None:
    found = PROBE.measure(labelled(0.12, 0.5))
    assert found.value is None
    assert "too little" in found.words
    assert PROBE.decide(found, []) is None
    lost = PROBE.measure(subject(frame([0.0]), {TREATMENT: frame([1.0])}))
    assert "no arm with random labels" in lost.words


def test_its_arms() -> None:
    brief = {"lora_r": 1, "lora_alpha": None, "max_steps": 20}
    assert {arm.name: (arm.labels, dict(arm.changes)) for arm in PROBE.arms} == {
        WHOLE: ("random", {}),
        BRIEF: ("random", brief),
        FORMAT: ("format", brief),
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
        after = {TREATMENT: frame(draw.random(40) < 0.4), BRIEF: frame(draw.random(40) < 0.4)}
        found = PROBE.measure(subject(frame(draw.random(40) < 0.1), after, seed))
        if found.ci95 is not None:
            assert np.isfinite(found.ci95).all()


def test_the_order_of_rows_changes_nothing() -> None:
    given = labelled(0.7, 0.4, 0.3, 0.2, seed=6)
    assert PROBE.measure(given) == PROBE.measure(given) == PROBE.measure(shuffled_subject(given))
