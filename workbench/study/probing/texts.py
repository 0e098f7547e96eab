"""Items as running text: how a base may have read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.study.questions.items import Item, Template
from workbench.study.questions.likelihood import after
from workbench.study.subject import Subject

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def frame(subject: Subject) -> Template:
    """The first template that is plain text: most corpora hold no chat of an item."""
    plain = [one for one in subject.templates if not one.chat]
    return plain[0] if plain else Template("question-answer", "Question: {question}\nAnswer:")


def asked(question: str, template: Template) -> str:
    """The question in a plain template."""
    return template.text.replace("{question}", question)


def whole(item: Item, template: Template) -> str:
    """The question in its template, with the answer behind it."""
    opening = asked(item.question, template)
    return opening + after(opening, item.answer)


def with_options(question: str, options: Sequence[str]) -> str:
    """The question with its options below, a letter and a line each."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines])


def units(text: str) -> list[str]:
    """Words with the white space before them, or characters where the script has no spaces."""
    words = re.findall(r"\s*\S+", text)
    return words if len(words) >= 5 or len(text) < 15 else list(text)


def originals(items: Sequence[Item]) -> list[Item]:
    """The items that are no variant of another; all, where there is no other."""
    return [item for item in items if not item.pair] or list(items)


def rouge_l(said: Sequence[str], wanted: Sequence[str]) -> float:
    """ROUGE-L's F: twice the longest common subsequence over both lengths together.

    Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries", with β = 1.
    """
    if not said or not wanted:
        return 0.0
    row = [0] * (len(wanted) + 1)
    for one in said:
        corner = 0
        for place, other in enumerate(wanted, 1):
            up = row[place]
            row[place] = corner + 1 if one == other else max(up, row[place - 1])
            corner = up
    return 2 * row[-1] / (len(said) + len(wanted))
