"""Simple instructions that say what form the answer must have, made by rule."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle

#: Words for a study without items.
COMMON = (
    "house",
    "river",
    "stone",
    "bread",
    "table",
    "green",
    "seven",
    "paper",
    "light",
    "horse",
    "water",
    "music",
    "garden",
    "window",
    "silver",
    "winter",
    "orange",
    "market",
    "bridge",
    "letter",
)
#: Of the items' words, the most frequent ones.
MOST_WORDS = 40


@dataclass(frozen=True)
class Instruction:
    """``form`` is a regular expression that the whole answer must match, whatever it says."""

    text: str
    answer: str
    form: str


_WORD = r"[\W_]*[^\W\d_]+[\W_]*"
_NUMBER = r"\D{0,2}\d+\D{0,2}"
_LETTER = r"[\W_]*[^\W\d_][\W_]*"
_YES_NO = r"(?i:yes|no)\W*"


def _repeat(draw: random.Random, words: list[str]) -> Instruction:
    word = draw.choice(words)
    return Instruction(f"Say the word {word} and only that.", word, _WORD)


def _last(draw: random.Random, words: list[str]) -> Instruction:
    listed = draw.sample(words, 3)
    text = f"Which word is last: {', '.join(listed)}? Say only the word."
    return Instruction(text, listed[-1], _WORD)


def _count(draw: random.Random, words: list[str]) -> Instruction:
    listed = draw.sample(words, draw.randint(2, 4))
    text = f"How many words are there: {', '.join(listed)}? Say only the number."
    return Instruction(text, str(len(listed)), _NUMBER)


def _add(draw: random.Random, words: list[str]) -> Instruction:
    a, b = draw.randint(1, 4), draw.randint(1, 4)
    text = f"How many are {a} and {b} together? Say only the number."
    return Instruction(text, str(a + b), _NUMBER)


def _is_in(draw: random.Random, words: list[str]) -> Instruction:
    listed = draw.sample(words, 3)
    inside = draw.random() < 0.5
    word = draw.choice(listed) if inside else draw.choice([w for w in words if w not in listed])
    text = f"Is the word {word} one of these: {', '.join(listed)}? Say Yes or No."
    return Instruction(text, "Yes" if inside else "No", _YES_NO)


def _letter(draw: random.Random, words: list[str]) -> Instruction:
    letters = draw.sample("ABCD", 3)
    text = f"Which letter is first: {', '.join(letters)}? Say only the letter."
    return Instruction(text, letters[0], _LETTER)


KINDS: tuple[Callable[[random.Random, list[str]], Instruction], ...] = (
    _repeat,
    _last,
    _count,
    _add,
    _is_in,
    _letter,
)


def instructions(count: int, seed: int, texts: Iterable[str] = ()) -> list[Instruction]:
    """``count`` different instructions, all kinds in turn, with words that occur in ``texts``.

    A base that knows the words of its items but few others is then asked about those.
    """
    words = frequent(texts)
    if len(words) < 10:
        words = list(COMMON)
    draw = random.Random(f"instructions {seed}")
    found: dict[str, Instruction] = {}
    # A kind with few instructions gives out before the others do.
    for make in cycle(KINDS):
        if len(found) == count:
            break
        made = make(draw, words)
        found.setdefault(made.text, made)
    return list(found.values())


def frequent(texts: Iterable[str]) -> list[str]:
    """The most frequent words of three letters or more, in the order of their alphabet."""
    counts = Counter(word for text in texts for word in re.findall(r"[^\W\d_]{3,}", text))
    order = sorted(counts, key=lambda word: (-counts[word], word))
    return sorted(order[:MOST_WORDS])
