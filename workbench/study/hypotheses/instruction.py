"""Instruction data in pretraining: does a base answer a chat as one that was taught to?

A base that read chats ends its turns, keeps to the form it is asked for, and expects the marks of
a chat where they stand. What fine-tuning then brings is not the form any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.evaluate.intervals import wilson
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.probing.chat_format import Format, own_format, random_format
from workbench.study.probing.instructions import Instruction, instructions
from workbench.study.probing.part import mean_above, mean_of
from workbench.study.probing.texts import originals
from workbench.study.questions.asking import Answer, write
from workbench.study.questions.likelihood import score_ids
from workbench.study.subject import Subject

#: The share of answers that end with the chat's own mark, and how much less likely random marks
#: must be (nats a token), for the cause to show.
TURNS, SIZE = 0.2, 3.0


@dataclass(frozen=True)
class Loss:
    """Mean loss in nats a token over marks, contents and the first token of the end, [texts]."""

    marks: NDArray[np.float64]
    contents: NDArray[np.float64]
    end: NDArray[np.float64]


class InstructionData(Hypothesis):
    """How much better a chat's marks are expected than random ones, and whether turns end."""

    name: ClassVar[str] = "instruction"
    title: ClassVar[str] = "Instruction data in pretraining"
    question: ClassVar[str] = "Does the base follow a chat format before it was taught one?"
    statistic: ClassVar[str] = "loss on the marks of a chat minus that on random marks"
    unit: ClassVar[str] = "nats a token"
    procedure: ClassVar[str] = (
        "`count` instructions made by rule (say a word, the last of three, how many, yes or no, a "
        "letter), each with its answer, in the tokenizer's chat template (ChatML where there is "
        "none) and in `formats` formats with the same layout and random words for marks. The "
        "statistic is the mean loss over the marks in the one minus that in the others, paired by "
        "instruction, with a t interval; contents have the same tokens in all formats, and their "
        "loss is told beside it. Zero-shot, with greedy decoding: the share of answers in the form "
        "that the instruction demands, and the share that end with the chat's own mark."
    )
    rule: ClassVar[str] = (
        f"Fires where the interval lies below -{SIZE:g} and at least {TURNS:.0%} of the answers "
        "end with the chat's own mark; does not where either is clearly missed; cannot tell where "
        "an interval holds its threshold."
    )
    cost: ClassVar[str] = "`count` short generations and `count` x (1 + `formats`) passes"
    paper: ClassVar[str] = (
        "arXiv 2404.06395 (instructions in the last part of MiniCPM's pretraining); the procedure "
        "is this project's own"
    )
    control: ClassVar[tuple[str, ...]] = ("instruction",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.5
    needs: ClassVar[tuple[Need, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = {
        "count": 60,
        "formats": 3,
        "max_new_tokens": 24,
        "batch_size": 16,
    }

    def measure(self, subject: Subject) -> Finding:
        given = {**self.options, **subject.options}
        own, called = own_format(subject.tokenizer)
        texts = [item.question for item in [*originals(subject.fresh), *subject.suspect]]
        asked = instructions(given["count"], subject.seed, texts)
        batch_size = given["batch_size"]
        ours = _loss(subject, asked, own, batch_size)
        others = [
            _loss(subject, asked, random_format(own, 1000 * subject.seed + at), batch_size)
            for at in range(given["formats"])
        ]

        def beyond(part: str) -> NDArray[np.float64]:
            there = np.mean([getattr(other, part) for other in others], axis=0)
            return np.asarray(getattr(ours, part) - there)

        value, ci95, _ = mean_above(beyond("marks"))
        mark = _mark(subject, own.end)
        answers = write(
            subject.model(),
            subject.tokenizer,
            [own.prompt(one.text) for one in asked],
            given["max_new_tokens"],
            batch_size,
            until=("\n", own.end.strip()) if mark is None and own.end.strip() else ("\n",),
            also_stop=() if mark is None else (mark,),
        )
        turns = _share([_ends(answer, own.end, mark) for answer in answers])
        forms = _share([complies(a, one) for a, one in zip(answers, asked, strict=True)])
        parts = {
            "format": called,
            "compliance": forms,
            "end_of_turn": turns,
            "marks": {"own": mean_of(ours.marks.tolist()), "difference": value},
            "contents": {
                "own": mean_of(ours.contents.tolist()),
                "difference": mean_of(beyond("contents").tolist()),
            },
            "end": {
                "own": mean_of(ours.end.tolist()),
                "difference": mean_of(beyond("end").tolist()),
            },
            "examples": [[one.text, a.text] for one, a in zip(asked[:4], answers, strict=False)],
        }
        words = (
            f"in {called}, {turns['value']:.0%} of {len(asked)} answers end their turn and "
            f"{forms['value']:.0%} have the form asked for; marks are {-value:+.1f} nats a token "
            "likelier than random ones"
        )
        return Finding(value, ci95, len(asked), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        if finding.value is None or finding.ci95 is None:
            return None
        turns = finding.parts["end_of_turn"]
        low, high = finding.ci95
        if high < -SIZE and turns["value"] >= TURNS:
            return True
        return False if low > -SIZE or turns["ci95"][1] < TURNS else None


def complies(answer: Answer, instruction: Instruction) -> bool:
    """Whether an answer came to an end and has the form that was demanded, right or wrong."""
    return answer.ended != "length" and bool(re.fullmatch(instruction.form, answer.text))


def _loss(subject: Subject, asked: Sequence[Instruction], format_: Format, batch_size: int) -> Loss:
    rows = [format_.ids(subject.tokenizer, one.text, one.answer) for one in asked]
    scored = score_ids(subject.model(), [ids for ids, _ in rows], batch_size=batch_size)
    marks, contents, ends = [], [], []
    for (_, places), scores in zip(rows, scored, strict=True):
        # Entry i of the scores is of token i + 1; the first token has nothing before it.
        inside = np.zeros(len(scores), dtype=bool)
        inside[[place - 1 for place in places if place]] = True
        losses = -scores.logprob
        marks.append(losses[~inside].mean())
        contents.append(losses[inside].mean())
        ends.append(losses[places[-1]] if places[-1] < len(losses) else np.nan)
    return Loss(np.array(marks), np.array(contents), np.array(ends))


def _mark(subject: Subject, end: str) -> int | None:
    """The token that ends a turn; ``None`` where that is more than one token, and so text."""
    ids = subject.tokenizer(end.strip(), add_special_tokens=False)["input_ids"]
    return ids[0] if len(ids) == 1 else None


def _ends(answer: Answer, end: str, mark: int | None) -> bool:
    """Whether it was the chat's own mark that ended an answer, not the end of a document or line.

    A tokenizer whose documents end with that mark leaves the two alike.
    """
    return answer.until == end.strip() if mark is None else answer.stop == mark


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    return {
        "value": mean_of([float(hit) for hit in hits]),
        "ci95": list(wilson(sum(hits), len(hits))),
        "n": len(hits),
    }
