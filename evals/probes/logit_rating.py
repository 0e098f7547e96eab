"""logit-rating: the digit that a model would answer on average, Σ k·p(k), against a known rating.

One forward pass an item: the probabilities of the digits 0 to 9 after the prompt, renormalised over
the ten. ``file`` is one JSON object a line: ``{"prompt": …, "rating": 0…9}``; a prompt should ask
for one digit. Without one, questions with a digit for an answer are made from a seed.

``closeness`` is 1 - |expected digit - rating| / 9; ``logprob`` the log of the rating's renormalised
probability; ``certainty`` minus the variance of the digit, Σ (k - expected)²·p(k). A model may be
certain and wrong: read certainty beside closeness only.

The floors are those of an answer that is the same for every item, the best there is: the median
rating, and the ratings' own frequencies.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Annotated

from pydantic import Field

from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, drawn, halved, read_rows
from workbench.scan.probes.readings import digit_probabilities, expected_digit, rating_reading
from workbench.scan.schedule.request import Reading, Reply
from workbench.schema import Strict


class Row(Strict):
    """A prompt and the digit that answers it."""

    prompt: str = Field(min_length=1)
    rating: Annotated[int, Field(ge=0, le=9)]


def probe(file: Path | None = None) -> Rating:
    """``file``: prompts and ratings of your own."""
    return Rating(file)


class Rating:
    """Expected digit against rating. An item's answer is its rating."""

    needs_generation = False
    metrics = ("closeness", "logprob", "certainty")

    def __init__(self, file: Path | None) -> None:
        self._rows: list[Item] | None = None
        # Made items have every digit equally often.
        ratings: Sequence[int] = range(10)
        if file is not None:
            rows = read_rows(file, Row)
            self._rows = [Item(f"line {n}", row.prompt, row.rating) for n, row in rows]
            ratings = [row.rating for _, row in rows]
        self.floors: Mapping[str, float] = constant_floors(ratings)

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        if self._rows is not None:
            return halved(self._rows, count, seed=seed, split=split)
        return drawn("logit-rating", _draw, count, seed=seed, split=split)

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        return [rating_reading(encoder, encoder.framed(item.prompt))]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        logprobs = replies[0].logprobs[0]
        expected, variance = expected_digit(logprobs)
        chance = digit_probabilities(logprobs)[item.answer]
        return {
            "closeness": 1 - abs(expected - item.answer) / 9,
            # The smallest normal number keeps a probability that came out as 0 on the scale.
            "logprob": math.log(max(chance, 2.3e-308)) if chance == chance else math.nan,
            "certainty": -variance,
        }


def constant_floors(ratings: Sequence[int]) -> dict[str, float]:
    """What the best answer that never changes scores on ``ratings``."""
    middle = median(ratings)
    frequencies = [count / len(ratings) for count in Counter(ratings).values()]
    return {
        "closeness": fmean(1 - abs(middle - rating) / 9 for rating in ratings),
        "logprob": math.fsum(p * math.log(p) for p in frequencies),
    }


_ASK = "Answer with one digit from 0 to 9."
_THINGS, _NAMES = (
    words.split()
    for words in (
        "apples books candles keys letters marbles nails plates stamps tickets",
        "Ana Ben Chidi Dana Emre Freya Goran Hana Ivo Jun Kofi Lena",
    )
)
_SCALES = (
    ("a street", "metres", "its start", "its end"),
    ("a shelf", "centimetres", "its left end", "its right end"),
    ("a working day", "minutes", "the opening of the shop", "closing time"),
    ("a tank", "litres", "empty", "full"),
    ("a recipe", "grams of sugar", "unsweetened", "as sweet as it gets"),
)


def _left_over(rng: random.Random, rating: int) -> str:
    name, thing, gone = rng.choice(_NAMES), rng.choice(_THINGS), rng.randrange(2, 60)
    return f"{name} had {rating + gone} {thing} and gave {gone} away. How many {thing} are left?"


def _listed(rng: random.Random, rating: int) -> str:
    thing, *others = rng.sample(_THINGS, 4)
    words = [thing[:-1]] * rating + rng.choices([o[:-1] for o in others], k=rng.randrange(2, 7))
    rng.shuffle(words)
    return f"How often does the word {thing[:-1]} stand in this list: {', '.join(words)}?"


def _on_a_scale(rng: random.Random, rating: int) -> str:
    what, unit, low, high = rng.choice(_SCALES)
    step = rng.randrange(2, 200)
    return (
        f"Think of {what} as a scale from 0 ({low}) to 9 ({high}), which spans {9 * step} {unit}. "
        f"Where on the scale are {rating * step} {unit}?"
    )


def _digit_at(rng: random.Random, rating: int) -> str:
    length = rng.randrange(4, 9)
    at = rng.randrange(1, length)
    digits = [rng.randrange(1, 10) for _ in range(length)]
    digits[at] = rating
    place = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")[at]
    return f"What is the {place} digit of {''.join(map(str, digits))}, counted from the left?"


KINDS: tuple[Callable[[random.Random, int], str], ...] = (
    _left_over,
    _listed,
    _on_a_scale,
    _digit_at,
)


def _draw(rng: random.Random, turn: int) -> Item:
    rating = rng.randrange(10)
    question = KINDS[turn % len(KINDS)](rng, rating)
    return Item(question, f"{question} {_ASK}", rating)
