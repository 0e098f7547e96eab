"""lm-eval tasks as probes, as far as they can be known without lm-eval and torch."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from workbench.errors import Problem, UserError, Where
from workbench.evaluate.members import is_defined
from workbench.evaluate.suites import CHECKOUT
from workbench.evaluate.task_files import TaskFile, check_items, task_files
from workbench.likely import did_you_mean
from workbench.schema import Strict

#: Request types that a scan can answer.
OUTPUT_TYPES = ("loglikelihood", "loglikelihood_rolling", "multiple_choice", "generate_until")


class TaskOptions(Strict):
    """What a recipe may set for a task. ``metric`` goes first; others of the task follow it."""

    metric: str | None = None
    filter: str | None = None
    num_fewshot: Annotated[int, Field(ge=0)] | None = None
    max_gen_toks: Annotated[int, Field(ge=1)] | None = None


def task_folders() -> list[Path]:
    """Where tasks of our own lie: ``evals/tasks`` of the checkout and of the working folder."""
    both = dict.fromkeys((root / "evals" / "tasks").resolve() for root in (CHECKOUT, Path()))
    return [folder for folder in both if folder.is_dir()]


def local_tasks() -> dict[str, TaskFile]:
    """Task files of our own, by task name.

    Raises:
        UserError: one of them cannot be read.
    """
    return task_files(task_folders())


def task_options(options: Mapping[str, Any]) -> TaskOptions:
    """``options`` checked.

    Raises:
        UserError: one is unknown or of another type.
    """
    try:
        return TaskOptions.model_validate(dict(options))
    except ValidationError as error:
        raise UserError([_problem(one) for one in error.errors()]) from None


def _problem(error: Any) -> Problem:
    name = str(error["loc"][0])
    known = TaskOptions.model_fields
    if error["type"] == "extra_forbidden":
        return Problem(
            f"unknown option {name!r}",
            f"a task knows {', '.join(known)}",
            did_you_mean(name, known) or "correct or remove it",
        )
    return Problem(f"option {name}: {error['msg']}", f"it is {error['input']!r}")


def check_task(task: str, options: Mapping[str, Any], where: Where | None) -> list[Problem]:
    """Whether there is such a task, with items to ask, and whether the options fit."""
    problems: list[Problem] = []
    local: dict[str, TaskFile] = {}
    for check in (lambda: task_options(options), lambda: local.update(local_tasks())):
        try:
            check()
        except UserError as error:
            problems += error.problems
    if task in local:
        problems += _check_local(local[task])
    elif not problems and not is_defined(task):
        problems.append(
            Problem(
                f"there is no task called {task!r}",
                "neither evals/tasks nor lm-eval define it",
                did_you_mean(task, local) or "`lm_eval ls tasks` lists lm-eval's own",
            )
        )
    return [p if p.where else Problem(p.fact, p.cause, p.remedy, where) for p in problems]


def _check_local(file: TaskFile) -> list[Problem]:
    kind = file.settings.get("output_type", OUTPUT_TYPES[-1])
    if kind not in OUTPUT_TYPES:
        known = ", ".join(OUTPUT_TYPES)
        return [
            Problem(f"output_type {kind!r} is none of {known}", where=Where(str(file.path))),
        ]
    return list(check_items(file))


def task_identity(task: str) -> dict[str, Any]:
    """A hash of a local task's files; for lm-eval's own, the version that ships it."""
    local = local_tasks()
    if task in local:
        return {"sha256": local[task].digest(), "lm_eval": _lm_eval_version()}
    return {"sha256": None, "lm_eval": _lm_eval_version()}


@functools.cache
def _lm_eval_version() -> str:
    from importlib.metadata import version

    return version("lm_eval")
