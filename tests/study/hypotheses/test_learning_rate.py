"""What one fixed learning rate costs a base."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.study.hypotheses.scored import frame, right, shuffled_subject, subject
from workbench.study.hypotheses._arms import TREATMENT, paired
from workbench.study.hypotheses.learning_rate import LOSS, LearningRate
from workbench.study.hypothesis import Finding
from workbench.study.subject import Subject

PROBE = LearningRate()


def swept(fixed: float, low: float, high: float, seed: int = 0) -> Subject:
    after = {
        TREATMENT: frame(right(fixed, seed=1)),
        "lr=0.0001": frame(right(low, seed=2)),
        "lr=0.01": frame(right(high, seed=3)),
    }
    return subject(frame(right(0.1, seed=4)), after, seed)


def test_the_loss_is_measured_on_the_other_half() -> None:
    given = swept(0.2, 0.5, 0.8)
    found = PROBE.measure(given)
    items = paired(given, [TREATMENT, "lr=0.0001", "lr=0.01"])
    assert not isinstance(items, str)
    second = ~items.first
    expected = items.of("lr=0.01")[second].mean() - items.of(TREATMENT)[second].mean()
    assert found.value == pytest.approx(expected)
    assert found.n == second.sum()
    assert found.ci95 is not None
    low, high = found.ci95
    differences = (items.of("lr=0.01") - items.of(TREATMENT))[second]
    reach = 1.96 * differences.std() / math.sqrt(second.sum())
    assert (low, high) == pytest.approx((expected - reach, expected + reach), abs=0.02)
    assert found.parts["best"] == 0.01
    assert "At its best rate of 3, 0.01, it scores" in found.words
    assert PROBE.decide(found, []) is True


def test_a_base_that_the_fixed_rate_suits() -> None:
    found = PROBE.measure(swept(0.9, 0.5, 0.3))
    assert (found.value, found.ci95) == (0, (0, 0))
    assert found.parts["best"] is None
    assert PROBE.decide(found, []) is False


def test_equal_rates_are_no_loss() -> None:
    """The fixed rate is kept where others only equal it, so luck is not taken for a loss."""
    scores = right(0.5)
    after = {TREATMENT: frame(scores), "lr=0.1": frame(scores)}
    found = PROBE.measure(subject(frame(right(0.1, seed=2)), after))
    assert (found.value, found.ci95) == (0, (0, 0))


def test_choosing_among_many_equal_rates_is_not_rewarded() -> None:
    """Ten rates that differ by chance alone: the loss is zero on average, and never found."""
    losses, decided = [], []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        after = {TREATMENT: frame(draw.random(200) < 0.5)}
        after |= {f"lr={n}": frame(draw.random(200) < 0.5) for n in range(1, 10)}
        found = PROBE.measure(subject(frame(np.zeros(200)), after, seed))
        losses.append(found.value or 0.0)
        decided.append(PROBE.decide(found, []))
    assert abs(np.mean(losses)) < 0.03
    assert True not in decided


def test_seeds_are_averaged_before_rates_are_compared() -> None:
    after = {
        TREATMENT: pd.concat([frame(np.ones(80), seed=0), frame(np.zeros(80), seed=1)]),
        "lr=0.1": pd.concat([frame(np.ones(80), seed=0), frame(np.ones(80), seed=1)]),
    }
    found = PROBE.measure(subject(frame(np.zeros(80)), after))
    assert found.value == 0.5
    assert found.ci95 == (0.5, 0.5)


def test_nothing_is_measured_at_one_rate() -> None:
    found = PROBE.measure(subject(frame([0.0]), {TREATMENT: frame([1.0])}))
    assert found.value is None
    assert "one rate only" in found.words
    assert PROBE.decide(found, []) is None
    lost = PROBE.measure(subject(frame([0.0]), {"lr=0.1": frame([1.0])}))
    assert "'treatment' was not made" in lost.words


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((LOSS + 0.01, 0.9), True),
        ((LOSS - 0.01, 0.9), None),
        ((-0.1, LOSS), False),
    ],
)
def test_the_rule(interval: tuple[float, float], said: bool | None) -> None:
    assert PROBE.decide(Finding(0.3, interval, 9, ""), []) is said


def test_the_order_of_rows_changes_nothing() -> None:
    given = swept(0.4, 0.5, 0.55, seed=3)
    assert PROBE.measure(given) == PROBE.measure(given) == PROBE.measure(shuffled_subject(given))
