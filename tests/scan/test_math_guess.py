"""The math-guess probe: its items, Ng's partial credit, and the floor that it documents."""

from __future__ import annotations

import re
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scan.probes.items import Item
from workbench.scan.probes.probe import find_probe
from workbench.scan.probes.probe_file import find_file, load

probe = load(find_file("math-guess", None))

naturals = st.integers(0, 10**20)


@given(naturals, naturals)
def test_partial_credit_is_a_fair_measure(a: int, g: int) -> None:
    value = probe.partial_credit(a, g)
    assert 0 <= value <= 1
    assert value == probe.partial_credit(g, a)
    if a:
        assert probe.partial_credit(a, a) == 1


@pytest.mark.parametrize(
    ("answer", "guess", "expected"),
    [
        (596252164, 596252164, 1.0),
        (1000, 500, (1 - 4000 / 5000) * 3 / 4),  # 500 is padded on the right, to 5000
        (100, 10, 2 / 3),
        (1000, 2000, 0.5),
        (0, 0, 0.0),
        (7, 0, 0.0),
    ],
)
def test_partial_credit_by_hand(answer: int, guess: int, expected: float) -> None:
    assert probe.partial_credit(answer, guess) == pytest.approx(expected)


def test_the_documented_floor_is_what_length_and_leading_digit_give() -> None:
    mean = fmean(
        probe.score(item, str(item.answer)[0].ljust(len(str(item.answer)), "0"))
        for item in probe.items(4000, seed=0)
    )
    assert mean == pytest.approx(probe.FLOOR, abs=0.005)
    assert probe.skill(probe.FLOOR) == 0
    assert probe.skill(1.0) == 1
    assert find_probe("math-guess", {}).floors["credit"] == probe.FLOOR


def test_search_and_held_out_items_are_disjoint_and_come_from_the_seed() -> None:
    search = probe.items(300, seed=7)
    held_out = probe.items(300, seed=7, split="held-out")
    assert not {i.prompt for i in search} & {i.prompt for i in held_out}
    assert search == probe.items(300, seed=7)
    assert search[:100] == probe.items(100, seed=7)
    assert search != probe.items(300, seed=8)
    for kind in ("multiplied", "square root", "cube root", "plus"):
        assert any(kind in i.prompt for i in search)
        assert any(kind in i.prompt for i in held_out)


def test_answers_are_right() -> None:
    for item in probe.items(200, seed=1):
        numbers = [int(n) for n in re.findall(r"\d+", item.prompt)]
        if "plus" in item.prompt:
            a, b, n = numbers
            root = item.answer - a * b
            assert root**2 <= n < (root + 1) ** 2
        elif "multiplied" in item.prompt:
            assert item.answer == numbers[0] * numbers[1]
        else:
            power = 3 if "cube" in item.prompt else 2
            assert item.answer**power <= numbers[0] < (item.answer + 1) ** power


def test_the_best_integer_of_an_answer_counts() -> None:
    item = Item("2*21", "What is 2 times 21?", 42)
    assert probe.score(item, "Not 7, but 42!") == 1
    assert probe.exact(item, "Not 7, but 42!") == 1
    assert probe.exact(item, "41") == 0
    assert probe.score(item, "I cannot say.") == 0
    assert probe.score(item, "9" * 100_000) == 0
    assert probe.score(item, "٤٢") == 0
