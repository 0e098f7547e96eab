"""Answers changed on purpose: what a fine-tune gives when its labels say less, or nothing.

A base that gains as much from random labels learnt no task from the true ones (Shao et al.,
"Spurious Rewards", arXiv 2506.10947, who reward right, random and well-formed answers alike; here
the same is done to the labels of a supervised fine-tune).

- ``random``: the answers are dealt out anew among the rows, no row keeping the one at its own
  place. The data hold the same prompts and the same answers as before, and nothing about which
  goes with which.
- ``format``: the form of each answer stays and what it says is drawn. Each digit, and each letter
  that stands alone (an option), is drawn uniformly from those of its kind; everything else stays,
  such as ``####`` or the words around a number. An answer with neither is replaced as a whole by
  one drawn uniformly from the different answers of the data.

An answer is the completion, the output, or the last assistant message of a conversation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from workbench.finetune.samples import Chat, Message, Pair, RowError, Sample

#: A run of ASCII digits, or an ASCII letter with no other letter or digit beside it.
_SAYS = re.compile(r"[0-9]+|(?<![^\W_])[A-Za-z](?![^\W_])")
_DIGITS = "0123456789"


def change_labels(
    samples: Sequence[Sample], labels: Literal["random", "format"], seed: int
) -> tuple[list[Sample], int]:
    """The rows of one data set with other answers, and how many got another one than their own.

    The same rows in the same order and the same seed give the same answers.

    Raises:
        RowError: a row has no answer that can be changed, or there are no two different ones.
    """
    answers = [answer_of(sample, labels) for sample in samples]
    if all(answer == answers[0] for answer in answers):
        raise RowError(nothing_to_change(labels, len(answers)))
    draw = random.Random(f"labels {labels} {seed}")
    if labels == "random":
        dealt = [answers[place] for place in derangement(len(answers), draw)]
    else:
        dealt = _forms(answers, draw)
    changed = sum(new != old for new, old in zip(dealt, answers, strict=True))
    return [_with(sample, new) for sample, new in zip(samples, dealt, strict=True)], changed


def answer_of(sample: Sample, labels: Literal["random", "format"]) -> str | Message:
    """The completion of a pair, or the last assistant message of a conversation.

    Raises:
        RowError: there is none, or its form alone cannot be kept.
    """
    if isinstance(sample, Pair):
        return sample.completion
    if not isinstance(sample, Chat):
        raise RowError(f"labels: {labels} needs rows with one answer")
    message = sample.messages[_last(sample)]
    if labels == "format" and message.get("tool_calls"):
        raise RowError("labels: format cannot tell the form of tool calls; labels: random can")
    return message


def nothing_to_change(labels: str, rows: int) -> str:
    """The fact of a data set whose answers are all the same."""
    if rows < 2:
        return f"labels: {labels} needs at least two rows"
    return f"labels: {labels} changes nothing: all {rows} answers are the same"


def derangement(count: int, draw: random.Random) -> list[int]:
    """A permutation that moves every place, all such being equally likely.

    Shuffled until none stays, e times on average. Raises ``ValueError`` for fewer than two places.
    """
    if count < 2:
        raise ValueError(f"{count} place cannot change with another")
    order = list(range(count))
    while any(place == index for index, place in enumerate(order)):
        draw.shuffle(order)
    return order


def format_only(answer: str, letters: str, draw: random.Random) -> str | None:
    """``answer`` with its digits and lone letters drawn anew; ``None`` where it has neither.

    Lone letters are drawn from those of ``letters`` in their own case. A number of several digits
    does not start with a zero that was not there.
    """

    def anew(match: re.Match[str]) -> str:
        said = match.group()
        if said.isalpha():
            return draw.choice([c for c in letters if c.isupper() == said.isupper()] or [said])
        drawn = [draw.choice(_DIGITS) for _ in said]
        if len(said) > 1 and said[0] != "0":
            drawn[0] = draw.choice(_DIGITS[1:])
        return "".join(drawn)

    return _SAYS.sub(anew, answer) if _SAYS.search(answer) else None


def _forms(answers: Sequence[str | Message], draw: random.Random) -> list[str | Message]:
    texts = [a if isinstance(a, str) else str(a["content"]) for a in answers]
    said = {run for text in texts for run in _SAYS.findall(text)}
    letters = "".join(sorted(run for run in said if run.isalpha()))
    different = sorted(set(texts))
    formed: list[str | Message] = []
    for answer, text in zip(answers, texts, strict=True):
        new = format_only(text, letters, draw)
        new = draw.choice(different) if new is None else new
        formed.append(new if isinstance(answer, str) else {**answer, "content": new})
    return formed


def _last(chat: Chat) -> int:
    last = len(chat.messages) - 1
    while last >= chat.first and chat.messages[last]["role"] != "assistant":
        last -= 1
    if last < chat.first:
        raise RowError("no assistant message to change")
    return last


def _with(sample: Sample, answer: str | Message) -> Sample:
    if isinstance(sample, Pair) and isinstance(answer, str):
        return replace(sample, completion=answer)
    assert isinstance(sample, Chat) and isinstance(answer, dict)  # as answer_of has it
    last = _last(sample)
    messages = (*sample.messages[:last], answer, *sample.messages[last + 1 :])
    return replace(sample, messages=messages)
