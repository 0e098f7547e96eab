"""What a user's probe may get wrong only once a model is there: told, and never measured."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workbench.cli.scan import _config
from workbench.errors import UserError
from workbench.scan.probes.asking import check_question, check_score, items_of
from workbench.scan.probes.items import Item
from workbench.scan.schedule.request import Generation, Reading, Reply, Text

ITEM = Item("one", "prompt", "answer")
MODEL: Any = SimpleNamespace(window=8, vocabulary=10)
GOOD = Reading((1, 2, 9), (2,), ((0, 9),))


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ([Reading((1, 10), (0,), ((1,),))], "10 is no token id"),
        ([Reading((1, 2), (0,), ((10,),))], "10 is no token id"),
        ([Reading((1, 2), (0,), ((-1,),))], "-1 is no token id"),
        ([Reading((cast(int, 1.5),), (0,), ((1,),))], "1.5 is no token id"),
        ([GOOD, Reading((1,) * 9, (0,), ((1,),))], "takes 9 tokens"),
        (Generation((1,) * 9, 4, frozenset()), "takes 9 tokens"),
        (GOOD, "gives Reading"),
        (["what"], "gives a list of str"),
    ],
)
def test_a_question_that_no_model_can_be_asked_is_told(question: Any, fact: str) -> None:
    with pytest.raises(UserError, match=fact):
        check_question("mine", ITEM, question, MODEL)


def test_sound_questions_pass() -> None:
    check_question("mine", ITEM, [GOOD, Reading((1,) * 8, (), ())], MODEL)
    check_question("mine", ITEM, Generation((9,), 100, frozenset({77})), MODEL)


@pytest.mark.parametrize("answers", [[Reply(((-1.0,),), (3,))], Text((1, 2))])
def test_a_nan_of_the_probe_is_no_overflow_of_the_model(answers: Any) -> None:
    with pytest.raises(UserError, match="score x is no finite number"):
        check_score("mine", ITEM, answers, {"x": math.nan})
    check_score("mine", ITEM, answers, {"x": -3.0})


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_nan_of_the_model_is_kept(value: float) -> None:
    check_score("mine", ITEM, [Reply(((value,),), (-1,))], {"x": math.nan})


def test_items_that_would_judge_what_they_chose_are_told() -> None:
    def items(count: int, *, seed: int, split: str) -> list[Item]:
        # Apart for as many as `check` looks at, and the same from there on.
        return [Item(f"{split if n < 2 else ''}{n}", "", "") for n in range(count)]

    probe: Any = SimpleNamespace(items=items)
    assert items_of("mine", probe, {"search": 2, "held-out": 2}, 0)[1] == []
    (problem,) = items_of("mine", probe, {"search": 4, "held-out": 3}, 0)[1]
    assert "1 items are in both splits, 2 is one" in str(problem)


def test_numbers_and_switches_reach_a_probe_from_the_command_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from workbench.scan.probes.items import Item\n"
        "def probe(n: int = 1, part: float = 0.5, loud: bool = True, word: str = ''):\n"
        "    return Mine()\n"
        "class Mine:\n"
        "    needs_generation, metrics, floors = False, ('x',), {}\n"
        "    def items(self, count, *, seed, split):\n"
        "        return [Item(f'{split}{n}', '', '') for n in range(count)]\n"
        "    ask = score = print\n"
    )
    config = _config([f"{mine},n=5,part=0.25,loud=false,word=two words"], {}, {"model": "x"})
    wanted = {"n": 5, "part": 0.25, "loud": False, "word": "two words"}
    assert config.probes[0].options == wanted
