"""math-guess: guesstimates of products and roots, in the manner of David Noel Ng's probe.

A model must say a large number at once, without working it out. Items come from a seed, in any
number; the search set and the held-out set of one seed share no item.

Two ways to ask. ``guess`` generates, as Ng does, and gives partial credit to the best integer in
the answer. ``likelihood`` needs one forward pass: the mean log-likelihood per token of the right
answer, which is many times cheaper and has no floor of this kind.

The floor. Partial credit is generous: the right leading digit followed by zeros to the right
length scores 0.88 on average over these items (0.92 with random digits instead of zeros), so a
score of 0.9 is next to nothing. The metric ``skill`` puts :data:`FLOOR` at 0; it is negative below.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, drawn
from workbench.scan.probes.readings import continuation_reading, mean
from workbench.scan.schedule.request import Generation, Reading, Reply

#: Mean partial credit of the right leading digit followed by zeros to the right length.
FLOOR = 0.88

SYSTEM = (
    "You estimate large numbers in your head. Say your best guess at once as one integer, in "
    "digits only, without separators, steps or explanation. A close guess earns most of the marks."
)
#: Longer runs of digits than any answer has are no guesses, and slow to read as integers.
_MAX_DIGITS = 60


def probe(
    ask: Literal["guess", "likelihood"] = "guess",
    max_new_tokens: Annotated[int, Field(ge=1, le=1024)] = 24,
) -> Guess | Likelihood:
    """``ask``: generate a guess, or read the likelihood of the answer in a forward pass."""
    return Guess(max_new_tokens) if ask == "guess" else Likelihood()


class _Questions:
    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        return items(count, seed=seed, split=split)


class Guess(_Questions):
    """Generated answers, scored by Ng's rule and by exact match."""

    needs_generation = True
    metrics = ("credit", "exact", "skill")
    floors: Mapping[str, float] = {"credit": FLOOR, "exact": 0.0, "skill": 0.0}

    def __init__(self, max_new_tokens: int) -> None:
        self.max_new_tokens = max_new_tokens

    def ask(self, item: Item, encoder: Encoder) -> Generation:
        tokens = encoder.prompt(item.prompt, SYSTEM)
        # A plain model goes on with another question after its answer; a line is enough.
        stops = encoder.stop_ids | (frozenset() if encoder.chat else encoder.opening_ids(["\n"]))
        return Generation(tokens, self.max_new_tokens, stops)

    def score(self, item: Item, replies: str) -> dict[str, float]:
        credit = score(item, replies)
        return {"credit": credit, "exact": exact(item, replies), "skill": skill(credit)}


class Likelihood(_Questions):
    """The right answer's mean log-likelihood per token (nats), teacher-forced."""

    needs_generation = False
    metrics = ("logprob_per_token",)
    floors: Mapping[str, float] = {}

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        framed = encoder.framed(item.prompt, SYSTEM)
        return [continuation_reading(*encoder.answer(framed, str(item.answer)))]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        return {"logprob_per_token": mean(replies[0])}


def _product(rng: random.Random) -> Item:
    a, b = rng.randrange(10**5, 10**8), rng.randrange(10**5, 10**8)
    return Item(f"{a}*{b}", f"What is {a} multiplied by {b}?", a * b)


def _square_root(rng: random.Random) -> Item:
    n = rng.randrange(10**14, 10**18)
    return Item(f"sqrt {n}", f"What is the square root of {n}?", math.isqrt(n))


def _cube_root(rng: random.Random) -> Item:
    n = rng.randrange(10**14, 10**18)
    return Item(f"cbrt {n}", f"What is the cube root of {n}?", _integer_cube_root(n))


def _compound(rng: random.Random) -> Item:
    a, b = rng.randrange(10**4, 10**6), rng.randrange(10**4, 10**6)
    n = rng.randrange(10**10, 10**14)
    question = f"What is {a} multiplied by {b}, plus the square root of {n}?"
    return Item(f"{a}*{b}+sqrt {n}", question, a * b + math.isqrt(n))


KINDS: tuple[Callable[[random.Random], Item], ...] = (
    _product,
    _square_root,
    _cube_root,
    _compound,
)


def items(count: int, *, seed: int, split: Split = "search") -> list[Item]:
    """``count`` items, the kinds in turn; for roots the answer is the integer not above them.

    Items of the two splits of one seed are disjoint.
    """
    return drawn(
        "math-guess",
        lambda rng, turn: KINDS[turn % len(KINDS)](rng),
        count,
        seed=seed,
        split=split,
    )


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
