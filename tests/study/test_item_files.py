"""Item files: what is written comes back, and every bad row is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UserError
from workbench.study.questions.item_files import read_items, write_items
from workbench.study.questions.items import Item

ROOT = Path(__file__).resolve().parents[2]

words = st.text(min_size=1).filter(lambda text: text.strip())


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        options = tuple(draw(st.lists(words, min_size=2, max_size=4, unique=True) | st.just([])))
        answer = draw(st.sampled_from(options) if options else words)
        question = f"{draw(words)} {number}"
        made.append(Item(str(number), question, answer, options, draw(st.just("") | words)))
    return made


@given(items())
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, made) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("items") / "items.jsonl"
    write_items(path, made)
    assert read_items(path) == made


def test_the_shipped_items_of_tasks_can_be_asked() -> None:
    free = read_items(ROOT / "evals/tasks/sums/sums_generate.jsonl")
    choice = read_items(ROOT / "evals/tasks/sums/sums_choice.jsonl")
    assert len(free) == len(choice) == 400
    assert free[0] == Item("32-plus-27", "What is 32 plus 27?", "59")
    assert choice[0].options == ("61", "60", "63", "71")
    assert choice[0].answer == "61"
    assert all(str(eval(each.id.replace("-plus-", "+"))) == each.answer for each in choice)


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(
        "\n".join(
            [
                '{"id": "1", "question": "a?", "answer": "b"}',
                '{"id": "1", "question": "c?", "answer": "b"}',
                '{"id": "3", "question": "a?", "answer": "b"}',
                '{"id": "4", "quesion": "a?", "answer": "b"}',
                "not json",
                '{"id": "6", "question": "a?", "answer": "b", "options": ["c", "d"]}',
                '{"id": "7", "question": "a?", "answer": 2, "options": ["c", "d"]}',
                '{"id": "8", "question": "a?", "answer": "b", "options": ["b"]}',
                '{"id": "9", "question": " ", "answer": "b"}',
                '{"id": "10", "question": "a?", "answer": "b", "pair": ["1"]}',
                "[1]",
            ]
        )
    )
    with pytest.raises(UserError) as caught:
        read_items(path)
    told = {problem.where.line: problem for problem in caught.value.problems if problem.where}
    assert sorted(told) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert "line 1" in told[2].fact
    assert "line 1" in told[3].fact
    assert "quesion" in told[4].remedy
    assert "none of the options" in told[6].fact
    assert f"{path}:8" in str(told[8])


def test_a_file_of_nothing_but_faults_does_not_fill_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("{}\n" * 500)
    with pytest.raises(UserError) as caught:
        read_items(path)
    assert len(caught.value.problems) == 21
    assert "1480 more" in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_a_file_without_items_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "items.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match="items"):
        read_items(path)


def test_numbers_are_options_or_the_places_of_options(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"id": 1, "question": "a?", "answer": 1, "options": ["1", "0"]}\n'
        '{"id": 2, "question": "a?", "answer": 1, "options": [1, 0]}\n'
        '{"id": 3, "question": "a?", "answer": 7}\n'
    )
    assert [each.answer for each in read_items(path)] == ["0", "1", "7"]
