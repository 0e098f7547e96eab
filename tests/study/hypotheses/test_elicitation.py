"""Elicitation: a model whose samples hold the answer, one that knows it, one that does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from transformers import PreTrainedModel

from tests.study.hypotheses.reader import reader
from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.study.hypotheses.elicitation import Elicitation, _last_number
from workbench.study.questions.items import Item
from workbench.study.subject import Subject

#: A question with one letter for its answer.
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ITEMS = [Item(one, f"{one} {one}?", one) for one in LETTERS]


def base(answer: Callable[[str, random.Random], str], steps: int = 60) -> PreTrainedModel:
    """A model that answers as ``answer`` does, learnt by heart."""

    def documents(draw: random.Random) -> list[str]:
        return [
            f"Question: {item.question}\nAnswer: {answer(item.answer, draw)}" for item in ITEMS * 2
        ]

    return reader(documents, steps)


def subject_of(model: PreTrainedModel) -> Subject:
    return Subject("base", lambda: model, build_tokenizer(), fresh=ITEMS)


def latent(answer: str, draw: random.Random) -> str:
    return answer if draw.random() < 0.25 else "no"


def guess(answer: str, draw: random.Random) -> str:
    return draw.choice(LETTERS)


@pytest.fixture(scope="module")
def hidden() -> Subject:
    return subject_of(base(latent, 150))


def test_what_only_samples_hold_is_found(hidden: Subject) -> None:
    probe = Elicitation()
    found = probe.measure(hidden)
    assert probe.decide(found, ()) is True
    assert found.parts["greedy"]["own"] < 0.2
    curve = found.parts["pass_at"]
    assert list(curve) == ["1", "2", "4", "8", "16"]
    own = [each["own"] for each in curve.values()]
    assert own == sorted(own)
    assert own[0] == pytest.approx(0.25, abs=0.12)
    rises = [each["own"] - each["chance"] for each in (curve["16"], found.parts["greedy"])]
    assert found.value == pytest.approx(rises[0] - rises[1])
    assert found == probe.measure(hidden)


def test_a_base_that_knows_has_nothing_hidden() -> None:
    found = Elicitation().measure(subject_of(base(lambda answer, draw: answer)))
    # Its samples miss: that is no hidden skill, since greedy decoding is what a task scores.
    assert found.parts["greedy"]["own"] > 0.9
    assert found.parts["pass_at"]["1"]["own"] < 0.9
    assert Elicitation().decide(found, ()) is False
    assert found.value is not None and found.value < 0.1


def test_what_guessing_reaches_does_not_count() -> None:
    found = Elicitation().measure(subject_of(base(guess)))
    curve = found.parts["pass_at"]["16"]
    assert curve["own"] > 0.2
    assert curve["chance"] == pytest.approx(curve["own"], abs=0.2)
    assert found.ci95 is not None and found.ci95[0] < 0.1
    assert Elicitation().decide(found, ()) is not True


def test_items_are_those_of_the_scored_tasks_first(hidden: Subject) -> None:
    rows = [
        {"task": task, "item_id": one.id, "question": f"Question: {one.question}\nAnswer:",
         "target": one.answer, "score": 0.0}
        for task in ("letters", "again") for one in ITEMS
    ]  # fmt: skip
    before = pd.DataFrame(rows)
    after = before[before["task"] == "letters"].assign(score=1.0)
    subject = replace(hidden, before=before, after={"treatment": after}, options={"items": 41})
    found = Elicitation().measure(subject)
    assert found.n == 41
    assert found.parts["source"] == "items of the tasks"
    predicts = found.parts["predicts"]
    assert predicts["among_samples"]["solved_after"] == 1.0
    assert predicts["among_samples"]["n"] > predicts["never_sampled"]["n"]


def test_too_few_items_say_so(hidden: Subject) -> None:
    found = Elicitation().measure(replace(hidden, fresh=ITEMS[:5]))
    assert found.value is None
    assert "5 items" in found.words
    assert Elicitation().decide(found, ()) is None


def test_a_last_number_is_found_behind_working() -> None:
    assert _last_number("3 + 4 is 7, so 1,007.", "1007")
    assert not _last_number("7 and 8", "7")
    assert not _last_number("seven", "7")
    assert _last_number("-2.5", "-2.5")
