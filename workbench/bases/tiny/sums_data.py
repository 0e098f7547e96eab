"""The world of ``tiny/sums``: what it read, what it is taught, and what it is asked.

Sums of two numbers below :data:`LIMIT`. An unordered pair {a, b} is held out by its hash, once and
for all: held-out pairs appear in the evaluation items alone, neither in the pretraining corpus nor
in any fine-tuning row. ``python -m workbench.bases.tiny.sums_data`` writes the shipped files anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

from workbench.bases.tiny.shipped_files import write_files

LIMIT = 50
#: Of 16 hash values of a pair, how many are held out.
HELD_OUT_OF_16 = 3
ROWS = 2000
ITEMS = 400

Pair = tuple[int, int]

#: How the corpus writes a sum that it works out. None is a question. The result stands one to
#: three tokens behind, so that the operands are found by what they are and not by where.
EQUATIONS = ("{a}+{b}={c}", "{a} plus {b} equals {c}", "{a} plus {b} makes the number {c}")

#: How the corpus answers questions: right, and never with the number alone. So the base has the
#: skill and not the form, and that is what a short fine-tune teaches it.
IN_WORDS = "makes the number {c}"

#: The base's chat template, written out: a question and an answer.
CHAT = "<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}"

#: Limits from which a sum of the corpus draws one: single digits are learnt first and stay known.
LIMITS = (10, 25, LIMIT, LIMIT, LIMIT)


def held_out(a: int, b: int) -> bool:
    """Whether the pair is kept for evaluation, whatever its order."""
    low, high = sorted((a, b))
    return hashlib.sha256(f"{low},{high}".encode()).digest()[0] % 16 < HELD_OUT_OF_16


def pairs(held: bool) -> list[Pair]:
    """All ordered pairs of one side of the split."""
    return [(a, b) for a in range(LIMIT) for b in range(LIMIT) if held_out(a, b) == held]


def question(a: int, b: int) -> str:
    """The question as evaluation and fine-tuning ask it."""
    return f"What is {a} plus {b}?"


def prompt(a: int, b: int) -> str:
    """The question in its frame; the answer follows after a space."""
    return f"Question: {question(a, b)}\nAnswer:"


def corpus(seed: int) -> Iterator[str]:
    """Endless pretraining documents: two in three are equations, the others answer in words."""
    draw = random.Random(f"corpus {seed}")
    while True:
        a, b = _draw_pair(draw)
        if draw.random() < 2 / 3:
            yield draw.choice(EQUATIONS).format(a=a, b=b, c=a + b)
        elif draw.random() < 0.7:
            yield f"{prompt(a, b)} {IN_WORDS.format(c=a + b)}"
        else:
            yield CHAT.format(question=question(a, b), answer=IN_WORDS.format(c=a + b))


def _draw_pair(draw: random.Random) -> Pair:
    """A pair that is not held out."""
    limit = draw.choice(LIMITS)
    while True:
        a, b = draw.randrange(limit), draw.randrange(limit)
        if not held_out(a, b):
            return a, b


def _sample(seed: int, use: str, count: int, held: bool) -> list[Pair]:
    return random.Random(f"{use} {seed}").sample(pairs(held), count)


def completion_rows(seed: int = 0) -> list[dict[str, Any]]:
    """SFT rows: ``prompt`` and ``completion``."""
    return [
        {"prompt": prompt(a, b), "completion": f" {a + b}"}
        for a, b in _sample(seed, "completions", ROWS, held=False)
    ]


def chat_rows(seed: int = 0) -> list[dict[str, Any]]:
    """SFT rows: ``messages`` of one turn each."""
    return [
        {
            "messages": [
                {"role": "user", "content": question(a, b)},
                {"role": "assistant", "content": str(a + b)},
            ]
        }
        for a, b in _sample(seed, "chats", ROWS, held=False)
    ]


def preference_rows(seed: int = 0) -> list[dict[str, Any]]:
    """DPO and ORPO rows: the bare number against a near miss, or against the answer in words."""
    draw = random.Random(f"rejected {seed}")
    rows = []
    for a, b in _sample(seed, "preferences", ROWS, held=False):
        in_words = draw.random() < 0.5
        worse = IN_WORDS.format(c=a + b) if in_words else str(draw.choice(near_misses(a + b)))
        rows.append({"prompt": prompt(a, b), "chosen": f" {a + b}", "rejected": f" {worse}"})
    return rows


def near_misses(value: int) -> list[int]:
    """Numbers that are wrong in one place: off by one, two or ten, and not negative."""
    return [value + step for step in (-10, -2, -1, 1, 2, 10) if value + step >= 0]


def generate_items(seed: int = 0) -> list[dict[str, Any]]:
    """Held-out items to be answered freely."""
    return [
        {"id": f"{a}-plus-{b}", "question": question(a, b), "answer": str(a + b)}
        for a, b in _sample(seed, "generate", ITEMS, held=True)
    ]


def choice_items(seed: int = 0) -> list[dict[str, Any]]:
    """Held-out items with four options; ``answer`` is the index of the right one."""
    draw = random.Random(f"options {seed}")
    items = []
    for a, b in _sample(seed, "choice", ITEMS, held=True):
        options = [a + b, *draw.sample(near_misses(a + b), 3)]
        draw.shuffle(options)
        items.append(
            {
                "id": f"{a}-plus-{b}",
                "question": question(a, b),
                "options": [str(option) for option in options],
                "answer": options.index(a + b),
            }
        )
    return items


#: The shipped files, relative to the repository, and what makes each.
FILES = {
    "recipes/data/sums.jsonl": completion_rows,
    "recipes/data/sums_chat.jsonl": chat_rows,
    "recipes/data/sums_preferences.jsonl": preference_rows,
    "evals/tasks/sums/sums_generate.jsonl": generate_items,
    "evals/tasks/sums/sums_choice.jsonl": choice_items,
}


if __name__ == "__main__":
    write_files("Write the shipped data of tiny/sums.", FILES)
