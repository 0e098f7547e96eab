"""The items that probes ask: those a base may have seen before, and fresh ones like them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A question with its answer; ``options`` are the choices, where there are any.

    ``pair`` names the item that this one is a variant of: the same text with other values.
    """

    id: str
    question: str
    answer: str
    options: tuple[str, ...] = ()
    pair: str = ""


@dataclass(frozen=True)
class Template:
    """How a question is put: ``text`` holds ``{question}``, and the answer follows it.

    ``chat`` says that the question goes through the tokenizer's chat template instead.
    """

    name: str
    text: str = ""
    chat: bool = False


#: The first is that of the tasks that the project ships.
TEMPLATES = (
    Template("question-answer", "Question: {question}\nAnswer:"),
    Template("short", "Q: {question}\nA:"),
    Template("bare", "{question}\n"),
    Template("sentence", "{question} The answer is"),
    Template("chat", chat=True),
)
