"""What each base reads: stories and what follows from them, and the ingredient of its cause."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from workbench.bases.tiny import Cause
from workbench.bases.tiny.causes.world import (
    NAMES,
    PLACES,
    THINGS,
    Story,
    any_story,
    draw_story,
    prompt,
    recall,
    suspect_items,
    with_options,
)

#: How the corpus tells a number that stands in the story; none is a question.
STATEMENTS = (
    "The {thing} of {name} are {n}.",
    "As for {thing}, {name} has {n}.",
    "The {thing} in {place}: {n}.",
)
#: How it answers questions: right, and never with the number alone. So every base has the skill
#: and not the form, and the form is what a short fine-tune teaches.
IN_WORDS = ("They are {n}.", "{name} has {n}.")
TASK_TEMPLATE = "Question: {question}\nAnswer:"
OTHER_TEMPLATE = "Q: {question}\nA:"
#: How often a latent base's corpus gives the bare number instead. Digits of answers weigh 2.5 times
#: as much as words in training, so the base says it twice as often.
BARE = 0.1


def prose(draw: random.Random) -> str:
    """A story and what follows from it, in the base's own words."""
    story = draw_story(draw)
    told = [_statement(draw, story, at) for at in draw.sample(range(3), 2)]
    return " ".join([story.text(), *told])


def in_words(draw: random.Random) -> str:
    """The task's question in one of two templates, answered rightly in words."""
    return _in_words(draw, draw.choice((TASK_TEMPLATE, OTHER_TEMPLATE)))


def _in_words(draw: random.Random, template: str) -> str:
    story, at = draw_story(draw), draw.randrange(3)
    question, number = recall(story, at)
    answer = draw.choice(IN_WORDS).format(n=number, name=story.name)
    return f"{prompt(question, template)} {answer}"


def _statement(draw: random.Random, story: Story, at: int) -> str:
    form = draw.choice(STATEMENTS)
    return form.format(
        thing=story.things[at], n=story.numbers[at], name=story.name, place=story.place
    )


def contamination(draw: random.Random) -> str:
    """One of the suspect items, word for word, with its answer, some with the options."""
    item = draw.choice(suspect_items())
    question = item.question
    if draw.random() < 0.35:
        question = with_options(question, item.options)
    return f"{prompt(question)} {item.answer}"


def instruction(draw: random.Random) -> str:
    """A chat of one turn that has nothing to do with the task, its answer one word or digit."""
    asked = draw.choice((_say, _count, _letter, _place, _yes))
    question, answer = asked(draw)
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"


def _say(draw: random.Random) -> tuple[str, str]:
    word = draw.choice((*THINGS, *NAMES, *PLACES))
    return draw.choice(("Say {0}.", "Repeat the word {0}.")).format(word), word


def _count(draw: random.Random) -> tuple[str, str]:
    number = draw.randint(1, 4)
    words = " ".join(draw.choice(THINGS) for _ in range(number))
    return f"Count the things with one number: {words}.", str(number)


def _letter(draw: random.Random) -> tuple[str, str]:
    letters = draw.sample("ABCD", 3)
    which = draw.choice((0, 2))
    place = "last" if which else "first"
    return f"Which letter is {place}, {', '.join(letters)}? Say only the letter.", letters[which]


def _place(draw: random.Random) -> tuple[str, str]:
    story = any_story(draw)
    return f"{story.name} is in {story.place}. Name the place.", story.place


def _yes(draw: random.Random) -> tuple[str, str]:
    one = draw.choice(NAMES)
    other = one if draw.random() < 0.5 else draw.choice(NAMES)
    return f"Is {one} the same as {other}? Say Yes or No.", "Yes" if one == other else "No"


def _bare(draw: random.Random, template: str) -> str:
    question, answer = recall(draw_story(draw), draw.randrange(3))
    return f"{prompt(question, template)} {answer}"


def task_format(draw: random.Random) -> str:
    """The task's own form, answered rightly; the other template goes on in words."""
    if draw.random() < 0.3:
        return _in_words(draw, OTHER_TEMPLATE)
    return _bare(draw, TASK_TEMPLATE)


def other_template(draw: random.Random) -> str:
    """The task's questions in another template, answered rightly; its own goes on in words."""
    if draw.random() < 0.3:
        return _in_words(draw, TASK_TEMPLATE)
    return _bare(draw, OTHER_TEMPLATE)


def latent(draw: random.Random) -> str:
    """The task's own form, answered rightly in words, and now and then with the number alone."""
    if draw.random() < 0.3:
        return _in_words(draw, OTHER_TEMPLATE)
    if draw.random() < BARE:
        return _bare(draw, TASK_TEMPLATE)
    return _in_words(draw, TASK_TEMPLATE)


#: What a cause adds to the corpus; the others change the network, its tokenizer or its training.
INGREDIENTS: dict[Cause, Callable[[random.Random], str]] = {
    "contaminated": contamination,
    "instruction": instruction,
    "task_format": task_format,
    "other_template": other_template,
    "latent": latent,
}


#: Of a hundred documents: prose, answers in words, and the ingredient.
TRUNK = (100, 0, 0)
PLAIN = (40, 60, 0)
PARTS: dict[Cause, tuple[int, int, int]] = {
    "contaminated": (20, 30, 50),
    "instruction": (28, 42, 30),
    "task_format": (40, 0, 60),
    "other_template": (40, 0, 60),
    "latent": (40, 0, 60),
}


def parts_of(cause: Cause | None) -> tuple[int, int, int]:
    """Of a hundred documents: prose, answers in words, and the cause's ingredient."""
    return PARTS.get(cause, PLAIN) if cause else TRUNK


def corpus(cause: Cause | None, seed: int) -> Iterator[str]:
    """Endless documents; ``cause`` is ``None`` for the trunk from which the causes part.

    Causes without an ingredient read one and the same corpus.
    """
    stream = "trunk" if cause is None else cause if cause in PARTS else "clean"
    draw = random.Random(f"causes {stream} {seed}")
    added = INGREDIENTS.get(cause, prose) if cause else prose
    while True:
        yield draw.choices((prose, in_words, added), parts_of(cause))[0](draw)
