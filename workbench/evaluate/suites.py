"""Suites: which tasks score an output, with what settings. Read and checked without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationError, field_validator

from workbench.errors import Problem, UserError, Where, user_error
from workbench.evaluate.task_files import TaskFile, task_files
from workbench.evaluate.yaml_lines import PlainYaml, read_yaml
from workbench.likely import did_you_mean
from workbench.schema import Strict

#: Where suites of the checkout lie: beside the package, so that any working folder finds them.
CHECKOUT = Path(__file__).resolve().parents[2]


def _metrics(given: object) -> str | tuple[str, ...]:
    """A list becomes a tuple, so that what holds it can be hashed; one that names one, its name."""
    named = [given] if isinstance(given, str) else given
    if (
        not isinstance(named, (list, tuple))
        or not named
        or not all(isinstance(name, str) and name for name in named)
    ):
        raise ValueError("the name of a metric, or a list of names")
    if len(set(named)) < len(named):
        raise ValueError("a metric is named twice")
    return named[0] if len(named) == 1 else tuple(named)


class SuiteTask(Strict):
    """One lm-eval task (or a group of them) and the metrics that are reported.

    Several metrics come from one pass over the items: the first is the task's score, each further
    one is reported as ``TASK/METRIC``. ``filter`` is needed where a task has several answer
    filters. ``cluster`` names a field of the items whose equal values are not independent (a
    shared passage, a template); intervals and tests then resample those clusters. ``strata`` names
    a field of the items (a subject, a level): a ``limit`` takes of each value in proportion.
    ``version`` pins lm-eval's version of the task: with another one scores would be of another
    task, so it is refused.
    """

    task: str = Field(min_length=1)
    metric: Annotated[str | tuple[str, ...], PlainValidator(_metrics)]
    filter: str | None = None
    num_fewshot: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    max_gen_toks: Annotated[int, Field(ge=1)] | None = None
    cluster: str | None = None
    strata: str | None = None
    version: int | float | str | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics in the order they were named."""
        return (self.metric,) if isinstance(self.metric, str) else self.metric


class SuiteFile(Strict):
    """What a suite's YAML may say. ``include`` holds folders of lm-eval task files.

    ``points`` says which leaderboard's formula turns the scores into points.
    """

    name: str = Field(min_length=1)
    description: str = ""
    include: str | list[str] = Field(default_factory=list)
    tasks: Annotated[list[SuiteTask], Field(min_length=1)]
    apply_chat_template: bool = False
    batch_size: Annotated[int, Field(ge=1)] = 16
    points: Literal["leaderboard-v1", "leaderboard-v2"] | None = None

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: list[SuiteTask]) -> list[SuiteTask]:
        names = [task.task for task in tasks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return tasks


@dataclass(frozen=True)
class Suite:
    """A suite that was read: its file's settings and the folders its own tasks come from."""

    name: str
    description: str
    tasks: tuple[SuiteTask, ...]
    include: tuple[Path, ...]
    apply_chat_template: bool
    batch_size: int
    path: Path
    points: str | None = None

    def local_tasks(self) -> dict[str, TaskFile]:
        """The task files under ``include``, by task name.

        Raises:
            UserError: a task file cannot be read.
        """
        return task_files(self.include)


def find_suite(name_or_path: str | Path) -> Path:
    """The suite's file: a path, or a name in ``evals/suites`` of the working folder or checkout.

    Raises:
        UserError: there is none; the message lists the names there are.
    """
    given = str(name_or_path)
    if given.endswith((".yaml", ".yml")) or "/" in given or "\\" in given:
        path = Path(given).expanduser()
        if path.is_file():
            return path
        raise user_error(f"there is no suite file {given}", "", "check the path")
    known = {path.stem: path for path in _suite_files()}
    if given in known:
        return known[given]
    raise user_error(
        f"there is no suite called {given!r}",
        f"suites that were found: {', '.join(sorted(known)) or 'none'}",
        did_you_mean(given, known) or "name one of these, or give the path of a suite's .yaml file",
    )


def _suite_files() -> Iterator[Path]:
    """Every suite's file, those of the working folder last so that they win."""
    for root in (CHECKOUT, Path()):
        folder = root / "evals" / "suites"
        if folder.is_dir():
            yield from sorted(folder.glob("*.yaml"))


def load_suite(name_or_path: str | Path) -> Suite:
    """Read and validate a suite.

    Raises:
        UserError: it is not there, not YAML, or does not fit the schema; every problem with its
            line, and the likely word for a misspelt key.
    """
    path = find_suite(name_or_path)
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise user_error(
            "a suite is a mapping of settings",
            "this file holds something else",
            "start with name: and tasks:",
            Where(str(path)),
        )
    try:
        file = SuiteFile.model_validate(document.data)
    except ValidationError as error:
        raise UserError(_problems(error, document)) from None
    include = [file.include] if isinstance(file.include, str) else file.include
    return Suite(
        name=file.name,
        description=file.description,
        tasks=tuple(file.tasks),
        include=tuple((path.parent / folder).resolve() for folder in include),
        apply_chat_template=file.apply_chat_template,
        batch_size=file.batch_size,
        path=path,
        points=file.points,
    )


def _problems(error: ValidationError, document: PlainYaml) -> Iterator[Problem]:
    for found in error.errors():
        place = found["loc"]
        where = document.where(place)
        if found["type"] == "extra_forbidden":
            fields = SuiteTask.model_fields if place[0] == "tasks" else SuiteFile.model_fields
            yield Problem(
                f"unknown key {str(place[-1])!r}",
                f"a suite knows here: {', '.join(fields)}",
                did_you_mean(str(place[-1]), fields) or "correct or remove it",
                where,
            )
        else:
            # A union's loc ends in the name of the type that was tried; the key is what helps.
            key = ".".join(str(part) for part in place if part not in ("str", "list[str]"))
            yield Problem(f"{key}: {found['msg'].removeprefix('Value error, ')}", where=where)


def suite_identity(suite: Suite) -> dict[str, Any]:
    """What the suite *is*, for hashing: its settings, and the files of its own tasks.

    Machine paths and the description are left out: moving or rewording a suite changes no score.
    """
    local = suite.local_tasks()
    facts = {
        "name": suite.name,
        "tasks": {
            task.task: {
                **task.model_dump(exclude_none=True),
                "files": local[task.task].digest() if task.task in local else None,
            }
            for task in suite.tasks
        },
        "apply_chat_template": suite.apply_chat_template,
        "batch_size": suite.batch_size,
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return {**facts, "sha256": hashlib.sha256(text.encode()).hexdigest()}
