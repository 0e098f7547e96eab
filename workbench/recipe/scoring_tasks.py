"""What lm-eval's tasks ask of a model: facts and estimates from ``scoring_tasks.csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("scoring_tasks.csv")

#: Millions of bytes on the disk once lm-eval has fetched a data set (its files and their Arrow
#: copies): rough, by the size of the files on the hub.
DATA_SETS = {
    "wis-k/instruction-following-eval": 1,
    "SaylorTwift/bbh": 8,
    "DigitalLearningGmbH/MATH-lighteval": 20,
    "Idavidrein/gpqa": 15,
    "TAUR-Lab/MuSR": 12,
    "TIGER-Lab/MMLU-Pro": 15,
    "allenai/ai2_arc": 10,
    "Rowan/hellaswag": 120,
    "cais/mmlu": 340,
    "truthfulqa/truthful_qa": 2,
    "allenai/winogrande": 20,
    "openai/gsm8k": 10,
    "openai/openai_humaneval": 1,
    "facebook/belebele": 3,
}


@dataclass(frozen=True)
class TaskFacts:
    """One task; the head of the CSV file says what each figure is.

    Either ``choices`` or ``generated`` and ``most`` are set.
    """

    task: str
    data: str
    items: int
    question: float
    group: str | None = None
    members: int = 1
    choices: float | None = None
    passes: float | None = None
    answer: float = 0.0
    shots: int = 0
    before: float = 0.0
    shot: float = 0.0
    generated: float | None = None
    most: int | None = None


def facts_of(name: str) -> list[TaskFacts]:
    """The task called ``name``, or all of the group of that name; empty where it is not known."""
    return [row for row in _read() if name in (row.task, row.group)]


def data_set_bytes(path: str) -> int:
    """What a data set takes on the disk, roughly; 0 where that is not known."""
    return DATA_SETS.get(path, 0) * 1_000_000


def known_tasks() -> list[TaskFacts]:
    """Every task there are figures for."""
    return list(_read())


# A CSV file: this is read at every check, and YAML takes a quarter of a second for as much.
@lru_cache(maxsize=1)
def _read() -> tuple[TaskFacts, ...]:
    with _FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_facts(row) for row in csv.DictReader(_rows(stream)))


def _rows(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if not line.startswith("#"))


def _facts(row: dict[str, str]) -> TaskFacts:
    words = {"task", "data", "group"}
    whole = {"items", "members", "shots", "most"}
    given: dict[str, Any] = {
        name: text if name in words else int(text) if name in whole else float(text)
        for name, text in row.items()
        if text
    }
    return TaskFacts(**given)
