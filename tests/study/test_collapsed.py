"""Runs that say one thing are found; models that are right are not."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.study.scores.collapsed import collapsed

DIGITS = [str(k % 10) for k in range(200)]


def test_the_same_answer_to_all() -> None:
    found = collapsed(["7"] * 200, DIGITS)
    assert found is not None
    assert (found.answer, found.share, found.entropy, found.n) == ("7", 1.0, 0.0, 200)
    assert found.why == "answer '7' to 200 of 200 items"


def test_nearly_the_same_answer_to_all() -> None:
    found = collapsed(["7"] * 195 + ["1", "2", "3", "4", "5"], DIGITS)
    assert found is not None
    assert found.share == pytest.approx(0.975)
    assert 0 < found.entropy < 0.3
    assert collapsed(["7"] * 185 + DIGITS[:15], DIGITS) is None


@pytest.mark.parametrize("nothing", ["", "  \n", None])
def test_no_answer_at_all(nothing: str | None) -> None:
    found = collapsed([nothing] * 200, ["no"] * 200)
    assert found is not None
    assert found.answer == ""
    assert found.why == "nothing in answer to 200 of 200 items"


def test_scores_that_are_no_numbers() -> None:
    found = collapsed(DIGITS, DIGITS, [math.nan] * 200)
    assert found is not None
    assert found.why == "200 of 200 items have no score"


@settings(deadline=None)
@given(common=st.floats(0, 1), seed=st.integers(0, 1000), n=st.integers(10, 300))
def test_a_model_that_is_right_never_collapsed(common: float, seed: int, n: int) -> None:
    rng = random.Random(seed)
    targets = ["no" if rng.random() < common else f"t{rng.randrange(5)}" for _ in range(n)]
    assert collapsed(targets, targets, [1.0] * n) is None


def test_few_items_are_not_judged() -> None:
    assert collapsed(["7"] * 9, DIGITS[:9]) is None
    assert collapsed([], []) is None


def test_two_choices() -> None:
    """The first of two options always, where each is right half of the time."""
    targets = [str(k % 2) for k in range(100)]
    assert collapsed(["0"] * 100, targets) is not None
    assert collapsed(targets, targets) is None
    assert collapsed(["0"] * 100) is not None


def test_another_answer_than_the_one_that_is_nearly_always_right() -> None:
    targets = ["no"] * 98 + ["yes"] * 2
    assert collapsed(["no"] * 100, targets, [1.0] * 98 + [0.0] * 2) is None
    assert collapsed(["dog"] * 100, targets, [0.0] * 100) is not None
