"""math-guess: guesstimates of products and roots, in the manner of David Noel Ng's probe.

A model must say a large number at once, without working it out. Items come from a seed, in any
number; the search set and the held-out set of one seed share no item.

The floor. Partial credit is generous: the right leading digit followed by zeros to the right
length scores 0.88 on average over these items (0.92 with random digits instead of zeros), so a
score of 0.9 is next to nothing. Report :func:`skill`, which puts :data:`FLOOR` at 0, beside it.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NEEDS_GENERATION = True

#: Mean partial credit of the right leading digit followed by zeros to the right length.
FLOOR = 0.88

Split = Literal["search", "held-out"]

_ASK = "Answer with your best guess as one integer, digits only, and nothing else."
#: Longer runs of digits than any answer has are no guesses, and slow to read as integers.
_MAX_DIGITS = 60


@dataclass(frozen=True)
class Item:
    """A question, and the integer nearest to (for roots: not above) its true answer."""

    question: str
    answer: int


def _product(rng: random.Random) -> Item:
    a, b = rng.randrange(10**5, 10**8), rng.randrange(10**5, 10**8)
    return Item(f"What is {a} multiplied by {b}?", a * b)


def _square_root(rng: random.Random) -> Item:
    n = rng.randrange(10**14, 10**18)
    return Item(f"What is the square root of {n}?", math.isqrt(n))


def _cube_root(rng: random.Random) -> Item:
    n = rng.randrange(10**14, 10**18)
    return Item(f"What is the cube root of {n}?", _integer_cube_root(n))


def _compound(rng: random.Random) -> Item:
    a, b = rng.randrange(10**4, 10**6), rng.randrange(10**4, 10**6)
    n = rng.randrange(10**10, 10**14)
    question = f"What is {a} multiplied by {b}, plus the square root of {n}?"
    return Item(question, a * b + math.isqrt(n))


KINDS: tuple[Callable[[random.Random], Item], ...] = (
    _product,
    _square_root,
    _cube_root,
    _compound,
)


def items(count: int, *, seed: int, split: Split = "search") -> list[Item]:
    """``count`` items, the kinds in turn. Items of the two splits of one seed are disjoint."""
    if count < 0:
        raise ValueError(f"there are no {count} items")
    rng = random.Random(f"math-guess {seed}")
    found: list[Item] = []
    seen: set[str] = set()
    drawn = 0
    # Each split takes every second item of one stream without repeats, whatever the count.
    while len(found) < count:
        item = KINDS[(drawn // 2) % len(KINDS)](rng)
        if item.question in seen:
            continue
        seen.add(item.question)
        if drawn % 2 == (0 if split == "search" else 1):
            found.append(Item(f"{item.question} {_ASK}", item.answer))
        drawn += 1
    return found


def partial_credit(answer: int, guess: int) -> float:
    """Ng's rule, from 0 to 1.

    The shorter integer is padded on the right with zeros to the common length m; the score is
    ``(1 - |a - g| / max(a, g)) * (1 - missing / m)``, where ``missing`` counts the zeros added.
    Two zeros score 0, as in his code.
    """
    if answer < 0 or guess < 0:
        raise ValueError("the rule is for integers from 0 on")
    a, g = str(answer), str(guess)
    length = max(len(a), len(g))
    missing = length - min(len(a), len(g))
    padded_a, padded_g = int(a.ljust(length, "0")), int(g.ljust(length, "0"))
    largest = max(padded_a, padded_g)
    if largest == 0:
        return 0.0
    score = (1 - abs(padded_a - padded_g) / largest) * (1 - missing / length)
    return min(1.0, max(0.0, score))


def integers(text: str) -> list[int]:
    """Every run of digits in ``text``, leading zeros dropped."""
    return [int(run) for run in re.findall(r"[0-9]+", text) if len(run) <= _MAX_DIGITS]


def score(item: Item, text: str) -> float:
    """Partial credit of the best integer in ``text``; 0 where there is none."""
    return max((partial_credit(item.answer, guess) for guess in integers(text)), default=0.0)


def exact(item: Item, text: str) -> float:
    """1 where one of the integers in ``text`` is the answer, else 0."""
    return float(item.answer in integers(text))


def skill(mean_score: float) -> float:
    """A mean score with the floor at 0 and perfect at 1; negative below the floor."""
    return (mean_score - FLOOR) / (1 - FLOOR)


def _integer_cube_root(n: int) -> int:
    root = round(n ** (1 / 3))
    while root**3 > n:
        root -= 1
    while (root + 1) ** 3 <= n:
        root += 1
    return root
