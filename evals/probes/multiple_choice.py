"""multiple-choice: which of several options a model finds likeliest, by their log-likelihoods.

One forward pass an option. ``file`` is one JSON object a line: ``{"question": …, "options": […],
"answer": …}``, the answer as the right option's place from 0 or as its text. Without one, items are
made from a seed: next in a sequence, the largest, the first in the alphabet, the odd one out.

The floor is what a blind pick scores: 1 over the number of options. ``margin``, the right option's
log-likelihood minus the best wrong one's, moves before accuracy does; ``*_per_byte`` divide an
option's log-likelihood by its length, which takes away the advantage of short options.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, drawn, halved, read_rows
from workbench.scan.probes.readings import continuation_reading, total
from workbench.scan.schedule.request import Reading, Reply
from workbench.schema import Strict

METRICS = ("accuracy", "margin", "accuracy_per_byte", "margin_per_byte")
Metric = Literal["accuracy", "margin", "accuracy_per_byte", "margin_per_byte"]


class Row(Strict):
    """A question with two options or more, and which of them is right."""

    question: str = Field(min_length=1)
    options: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)]
    answer: int | str

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Row:
        if len(set(self.options)) < len(self.options):
            raise ValueError("an option is there twice")
        if isinstance(self.answer, str) and self.answer not in self.options:
            raise ValueError(f"answer {self.answer!r} is none of the options")
        if isinstance(self.answer, int) and not 0 <= self.answer < len(self.options):
            raise ValueError(f"answer {self.answer} lies outside 0 to {len(self.options) - 1}")
        return self

    @property
    def right(self) -> int:
        """The right option's place."""
        return self.answer if isinstance(self.answer, int) else self.options.index(self.answer)


def probe(file: Path | None = None, primary: Metric = "accuracy") -> Options:
    """``file``: questions of your own. ``primary``: the metric that the search goes by."""
    return Options(file, primary)


class Options:
    """Log-likelihood of each option after the question. An item's answer: options and the right."""

    needs_generation = False

    def __init__(self, file: Path | None, primary: str) -> None:
        self.metrics = (primary, *(metric for metric in METRICS if metric != primary))
        self._rows: list[Item] | None = None
        chance = 1 / N_OPTIONS
        if file is not None:
            rows = read_rows(file, Row)
            self._rows = [
                Item(f"line {number}", row.question, (row.options, row.right))
                for number, row in rows
            ]
            chance = math.fsum(1 / len(row.options) for _, row in rows) / len(rows)
        self.floors: Mapping[str, float] = {"accuracy": chance, "accuracy_per_byte": chance}

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        if self._rows is not None:
            return halved(self._rows, count, seed=seed, split=split)
        return drawn("multiple-choice", _draw, count, seed=seed, split=split)

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        framed = encoder.framed(item.prompt)
        options, _ = item.answer
        return [continuation_reading(*encoder.answer(framed, option)) for option in options]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        options, right = item.answer
        likelihoods = [total(reply) for reply in replies]
        if math.isnan(sum(likelihoods)):
            return dict.fromkeys(METRICS, math.nan)
        pairs = zip(likelihoods, options, strict=True)
        by_byte = [value / len(option.encode()) for value, option in pairs]
        margin, margin_per_byte = _margin(likelihoods, right), _margin(by_byte, right)
        return {
            "accuracy": float(margin > 0),
            "margin": margin,
            "accuracy_per_byte": float(margin_per_byte > 0),
            "margin_per_byte": margin_per_byte,
        }


def _margin(values: Sequence[float], right: int) -> float:
    return values[right] - max(value for at, value in enumerate(values) if at != right)


#: Options of every item that is made here.
N_OPTIONS = 4

_GROUPS = {
    kind: words.split()
    for kind, words in (
        ("an animal", "horse rabbit eagle salmon goat spider camel otter beetle crow"),
        ("a tool", "hammer saw chisel drill pliers wrench spade rake axe file"),
        ("a fruit", "apple plum cherry mango grape peach lemon fig banana pear"),
        ("something to wear", "coat scarf boot hat glove shirt sock belt apron jacket"),
        ("a vehicle", "tram bicycle lorry ferry scooter train canoe bus taxi glider"),
        ("a part of the body", "elbow knee ankle chin shoulder wrist thumb heel ear hip"),
    )
}


def _sequence(rng: random.Random) -> tuple[str, str, list[str]]:
    start, step = rng.randrange(1, 60), rng.choice([*range(-9, 0), *range(1, 13)])
    start += 50
    shown = [start + step * k for k in range(4)]
    right = start + 4 * step
    wrong = rng.sample([right + d for d in (-3, -2, -1, 1, 2, 3, 10)], N_OPTIONS - 1)
    question = f"Which number comes next: {', '.join(map(str, shown))}, …?"
    return question, str(right), [str(value) for value in wrong]


def _largest(rng: random.Random) -> tuple[str, str, list[str]]:
    values = sorted(rng.sample(range(100, 1000), N_OPTIONS))
    listed = rng.sample(values, N_OPTIONS)
    question = f"Which of these numbers is the largest: {', '.join(map(str, listed))}?"
    return question, str(values[-1]), [str(value) for value in values[:-1]]


def _alphabet(rng: random.Random) -> tuple[str, str, list[str]]:
    words = sorted(rng.sample([w for group in _GROUPS.values() for w in group], N_OPTIONS))
    listed = rng.sample(words, N_OPTIONS)
    question = f"Which of these words comes first in the alphabet: {', '.join(listed)}?"
    return question, words[0], words[1:]


def _odd_one(rng: random.Random) -> tuple[str, str, list[str]]:
    kind, other = rng.sample(list(_GROUPS), 2)
    right = rng.choice(_GROUPS[other])
    wrong = rng.sample(_GROUPS[kind], N_OPTIONS - 1)
    listed = rng.sample([right, *wrong], N_OPTIONS)
    return f"Which of these is not {kind}: {', '.join(listed)}?", right, wrong


KINDS: tuple[Callable[[random.Random], tuple[str, str, list[str]]], ...] = (
    _sequence,
    _largest,
    _alphabet,
    _odd_one,
)


def _draw(rng: random.Random, turn: int) -> Item:
    question, right, wrong = KINDS[turn % len(KINDS)](rng)
    options = rng.sample([right, *wrong], N_OPTIONS)
    return Item(question, question, (tuple(options), options.index(right)))
