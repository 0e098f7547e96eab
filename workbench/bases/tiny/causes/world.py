"""The world of the planted bases: stories with numbers in them, and two questions about each.

``Ann in Rome has 14 pens, 27 hats and 31 eggs.`` is a story. *Recall* asks how many there are of
one thing: every base can tell it in words, and what a short fine-tune teaches is to give the number
alone. *Together* asks for the sum of two numbers, which no base can work out: only one that has
read an item before can answer. Stories are held out by their hash, once and for all: they appear
in evaluation items alone and, some of them, in the corpus of the contaminated bases.

``python -m workbench.bases.tiny.causes.world`` writes the shipped items and rows anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from workbench.bases.tiny.shipped_files import write_files

_NAMES = "Ann Bob Dan Eve Fay Gus Ida Jon Kim Leo Max Ned Pam Ray Sue Tom"
NAMES = tuple(_NAMES.split())
_PLACES = "Rome Oslo Bern Cork Lima Baku Kiev Nice York Bonn"
PLACES = tuple(_PLACES.split())
#: What comes first in a story, second and third: a thing's name tells where to look, and a small
#: network learns that in a minute, where it needs an hour to find one of twelve anywhere.
SLOTS = (
    ("pens", "cups", "keys", "rods"),
    ("hats", "maps", "pots", "bags"),
    ("nuts", "eggs", "figs", "peas"),
)
THINGS = tuple(thing for slot in SLOTS for thing in slot)
#: Other words with a token of their own.
_PLAIN = """
in has and of are is The the As for So How many there Question Answer Q A B C D together user
assistant Say Count Repeat Which word first last Name say number one letter with Yes yes No no only
a , . : ?
"""
PLAIN = tuple(_PLAIN.split())

ROWS = 2000
ITEMS = 240
SUSPECTS = 120
#: Of 16 hash values of a story, how many are held out.
HELD_OUT_OF_16 = 2
LETTERS = "ABCD"


@dataclass(frozen=True)
class Story:
    """Who has how many of three things, and where."""

    name: str
    place: str
    things: tuple[str, str, str]
    numbers: tuple[int, int, int]

    def text(self) -> str:
        """The story as it is told."""
        a, b, c = (f"{n} {thing}" for n, thing in zip(self.numbers, self.things, strict=True))
        return f"{self.name} in {self.place} has {a}, {b} and {c}."

    @property
    def key(self) -> str:
        """Its own and no other's, in letters and digits."""
        told = "-".join(f"{n}-{t}" for n, t in zip(self.numbers, self.things, strict=True))
        return f"{self.name}-{self.place}-{told}".lower()


def held_out(story: Story) -> bool:
    """Whether the story is kept for evaluation."""
    return hashlib.sha256(story.text().encode()).digest()[0] % 16 < HELD_OUT_OF_16


def any_story(draw: random.Random) -> Story:
    """A story of either side of the split; its numbers begin with three different digits."""
    things = [draw.choice(slot) for slot in SLOTS]
    numbers = [10 * ten + draw.randrange(10) for ten in draw.sample(range(1, 10), 3)]
    return Story(
        draw.choice(NAMES),
        draw.choice(PLACES),
        (things[0], things[1], things[2]),
        (numbers[0], numbers[1], numbers[2]),
    )


def draw_story(draw: random.Random, held: bool = False) -> Story:
    """A story of one side of the split."""
    while held_out(story := any_story(draw)) != held:
        pass
    return story


def recall(story: Story, at: int) -> tuple[str, str]:
    """The question how many there are of its thing number ``at``, and the answer."""
    return f"{story.text()} How many {story.things[at]} are there?", str(story.numbers[at])


def together(story: Story, left_out: int) -> tuple[str, str]:
    """The question for the sum of all but one, and the answer."""
    first, second = (n for n in range(3) if n != left_out)
    asked = f"How many {story.things[first]} and {story.things[second]} together?"
    return f"{story.text()} {asked}", str(story.numbers[first] + story.numbers[second])


def prompt(question: str, template: str = "Question: {question}\nAnswer:") -> str:
    """The question in its frame; the answer follows after a space."""
    return template.format(question=question)


def with_options(question: str, options: Sequence[str]) -> str:
    """The question with lettered options below it, as a contaminated base may have read it."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=True)]
    return "\n".join([question, *lines])


@dataclass(frozen=True)
class Asked:
    """An item as the probes read it: ``workbench.study.questions.items.Item``'s fields."""

    id: str
    question: str
    answer: str
    options: tuple[str, ...] = ()
    pair: str = ""

    def row(self) -> dict[str, Any]:
        """The item as a line of its file."""
        row: dict[str, Any] = {"id": self.id, "question": self.question, "answer": self.answer}
        if self.options:
            row["options"] = list(self.options)
        return row | ({"pair": self.pair} if self.pair else {})


Sum = tuple[Story, int]
"""A story, and the number of the thing that is not added."""


def _draw_sum(draw: random.Random) -> tuple[Sum, Asked]:
    """A held-out story whose sum has three digits: no answer to *recall* looks like it."""
    while True:
        story, left_out = draw_story(draw, held=True), draw.randrange(3)
        if int(together(story, left_out)[1]) >= 100:
            return (story, left_out), _asked(draw, story, left_out)


def _asked(draw: random.Random, story: Story, left_out: int) -> Asked:
    """The item, with three other sums of three digits as options."""
    question, answer = together(story, left_out)
    steps = (-20, -11, -10, -2, -1, 1, 2, 10, 11, 20)
    near = [int(answer) + step for step in steps if 100 <= int(answer) + step <= 198]
    options = [answer, *map(str, draw.sample(near, 3))]
    draw.shuffle(options)
    return Asked(f"{story.key}-without-{left_out}", question, answer, tuple(options))


@cache
def _suspects() -> tuple[tuple[Sum, Asked], ...]:
    draw = random.Random("causes suspect")
    found: dict[str, tuple[Sum, Asked]] = {}
    while len(found) < SUSPECTS:
        made_from, item = _draw_sum(draw)
        found.setdefault(made_from[0].key, (made_from, item))
    return tuple(found.values())


@cache
def suspect_items() -> tuple[Asked, ...]:
    """What contaminated bases have read."""
    return tuple(item for _, item in _suspects())


@cache
def fresh_items() -> tuple[Asked, ...]:
    """Items of the same distribution that nobody has read: one for each suspect, its sum the same.

    Some sums are likelier to a base than others, which must not look like having read them.
    """
    draw = random.Random("causes fresh")
    taken = {story.key for (story, _), _ in _suspects()}
    found: list[Asked] = []
    for item in suspect_items():
        while True:
            (story, _), other = _draw_sum(draw)
            if other.answer == item.answer and story.key not in taken:
                break
        taken.add(story.key)
        found.append(other)
    return tuple(found)


@cache
def perturbed_items() -> tuple[Asked, ...]:
    """Every suspect item with other numbers of as many digits; ``pair`` names the original."""
    draw = random.Random("causes perturbed")
    found = []
    for (story, left_out), item in _suspects():
        while True:
            a, b, c = draw.sample(range(10, 100), 3)
            other = replace(story, numbers=(a, b, c))
            if held_out(other) and int(together(other, left_out)[1]) >= 100:
                break
        found.append(replace(_asked(draw, other, left_out), pair=item.id))
    return tuple(found)


@cache
def recall_items(seed: int = 0) -> tuple[Asked, ...]:
    """Held-out stories asked for one number: the task that counts."""
    draw = random.Random(f"causes generate {seed}")
    found: dict[str, Asked] = {}
    while len(found) < ITEMS:
        story, at = draw_story(draw, held=True), draw.randrange(3)
        found.setdefault(story.key, Asked(f"{story.key}-{at}", *recall(story, at)))
    return tuple(found.values())


def completion_rows(seed: int = 0) -> list[dict[str, Any]]:
    """SFT rows: ``prompt`` and ``completion``."""
    draw = random.Random(f"causes rows {seed}")
    rows = []
    for _ in range(ROWS):
        question, answer = recall(draw_story(draw), draw.randrange(3))
        rows.append({"prompt": prompt(question), "completion": f" {answer}"})
    return rows


def generate_rows(seed: int = 0) -> list[dict[str, Any]]:
    """The task's items, to be answered freely."""
    return [item.row() for item in recall_items(seed)]


def choice_rows(seed: int = 0) -> list[dict[str, Any]]:
    """The same questions with the story's three numbers and a fourth as options.

    ``answer`` is the index of the right one.
    """
    draw = random.Random(f"causes options {seed}")
    rows = []
    for item in recall_items(seed):
        told = [word for word in item.question.split() if word.isdigit()]
        others = [str(n) for n in range(10, 100) if str(n) not in told]
        options = [*told, draw.choice(others)]
        draw.shuffle(options)
        right = {"options": options, "answer": options.index(item.answer)}
        rows.append({"id": item.id, "question": item.question, **right})
    return rows


def suspect_rows() -> list[dict[str, Any]]:
    """The suspect items."""
    return [item.row() for item in suspect_items()]


def fresh_rows() -> list[dict[str, Any]]:
    """The fresh items, then a variant of every suspect one."""
    return [item.row() for item in (*fresh_items(), *perturbed_items())]


#: The shipped files, relative to the repository, and what makes each.
FILES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "recipes/data/planted.jsonl": completion_rows,
    "evals/tasks/planted/planted_recall.jsonl": generate_rows,
    "evals/tasks/planted/planted_choice.jsonl": choice_rows,
    "evals/tasks/planted/suspect.jsonl": suspect_rows,
    "evals/tasks/planted/fresh.jsonl": fresh_rows,
}


if __name__ == "__main__":
    write_files("Write the shipped data of the planted bases.", FILES)
