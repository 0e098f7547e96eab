"""What lm-eval's tasks ask of a model: facts and estimates from ``scoring_tasks.yaml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field, model_validator
from ruamel.yaml import YAML

from workbench.schema import Strict

_FILE = Path(__file__).with_name("scoring_tasks.yaml")


class TaskFacts(Strict):
    """One task of lm-eval's; the head of the YAML file says what each figure is."""

    task: str
    group: str | None = None
    data: str
    items: int = Field(ge=1)
    members: int = Field(default=1, ge=1)
    choices: float | None = Field(default=None, ge=1)
    passes: float | None = Field(default=None, ge=1)
    answer: float = 0
    shots: int = 0
    before: float = 0
    question: float = Field(gt=0)
    shot: float = 0
    generated: float | None = Field(default=None, gt=0)
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_way_to_answer(self) -> TaskFacts:
        if (self.choices is None) == (self.generated is None):
            raise ValueError(f"{self.task}: either choices or generated, not both")
        if (self.generated is None) != (self.most is None):
            raise ValueError(f"{self.task}: generated and most go together")
        return self


class _File(Strict):
    tasks: list[TaskFacts]
    data_sets: dict[str, float]


def facts_of(name: str) -> list[TaskFacts]:
    """The task called ``name``, or all of the group of that name; empty where it is not known."""
    return [row for row in _read().tasks if name in (row.task, row.group)]


def data_set_bytes(path: str) -> int:
    """What a data set takes on the disk, roughly; 0 where that is not known."""
    return round(_read().data_sets.get(path, 0) * 1e6)


def known_tasks() -> list[TaskFacts]:
    """Every task there are figures for."""
    return list(_read().tasks)


@lru_cache(maxsize=1)
def _read() -> _File:
    with _FILE.open(encoding="utf-8") as stream:
        return _File.model_validate(YAML(typ="safe", pure=True).load(stream))
