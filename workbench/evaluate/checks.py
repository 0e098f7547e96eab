"""All that is wrong with a suite and can be known from files, without lm-eval or a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError, Where
from workbench.evaluate.members import is_defined
from workbench.evaluate.suites import Suite, SuiteTask, load_suite
from workbench.evaluate.task_files import TaskFile, check_items, files_of
from workbench.likely import did_you_mean


def check_suite(
    name_or_path: str | Path, where: Where | None = None, *, run_code: bool = False
) -> list[Problem]:
    """Everything that is wrong with a suite and can be known without loading a model.

    ``where`` is the place that named the suite, used when the suite itself is not found.
    ``run_code`` is whether programs that a model writes may be run.
    """
    try:
        suite = load_suite(name_or_path)
        local = suite.local_tasks()
    except UserError as error:
        return [p if p.where else Problem(p.fact, p.cause, p.remedy, where) for p in error.problems]
    problems = []
    for folder in suite.include:
        if not folder.is_dir():
            problems.append(
                Problem(f"include: there is no folder {folder}", where=Where(str(suite.path)))
            )
    if not run_code:
        problems += code_problems(suite, where)
    for task in suite.tasks:
        if task.task in local:
            problems += check_items(local[task.task])
        elif not is_defined(task.task):
            problems.append(
                Problem(
                    f"there is no task called {task.task!r}",
                    "neither the suite's include folders nor lm-eval define it",
                    did_you_mean(task.task, local) or "`lm_eval ls tasks` lists lm-eval's own",
                    Where(str(suite.path)),
                )
            )
            continue
        problems += _unfit(suite, task, files_of(task.task, local.get(task.task)))
    return problems


def code_problems(suite: Suite, where: Where | None = None) -> list[Problem]:
    """A problem for each task whose scoring runs what a model wrote, which must be asked for."""
    local = suite.local_tasks()
    return [
        code_problem(entry.task, where or Where(str(suite.path)))
        for entry in suite.tasks
        if any(file.runs_code for file in files_of(entry.task, local.get(entry.task)))
    ]


def code_problem(task: str, where: Where | None = None) -> Problem:
    """That a task runs what a model wrote, and nobody asked for it."""
    return Problem(
        f"task {task} runs the programs that the model writes",
        "that is done only where it is asked for",
        "set run_code: true under evaluate, or give --run-code to `workbench eval`; each runs in a "
        "process of its own with limits, which hold back accidents, not an attacker",
        where,
    )


def _unfit(suite: Suite, entry: SuiteTask, files: list[TaskFile]) -> list[Problem]:
    """What an entry asks of its tasks and they do not have; of a group, each problem once."""
    where = Where(str(suite.path))
    found = {problem.fact: problem for file in files for problem in _unfit_task(entry, file, where)}
    return list(found.values())


def _unfit_task(entry: SuiteTask, file: TaskFile, where: Where) -> Iterator[Problem]:
    metrics = file.metrics()
    for metric in entry.metrics:
        # pass_at_k, a function, gives pass@1 and others.
        if metrics and metric not in metrics and not any(m.endswith("pass_at_k") for m in metrics):
            yield Problem(
                f"task {entry.task} has no metric {metric!r}",
                f"its file gives {', '.join(metrics)}",
                "name one of these",
                where,
            )
    filters = _names(file.settings.get("filter_list"))
    if entry.filter is not None and entry.filter not in (filters or ["none"]):
        yield Problem(
            f"task {entry.task} has no filter {entry.filter!r}",
            f"it has {', '.join(filters or ['none'])}",
            "name one of them with filter:",
            where,
        )
    elif entry.filter is None and len(filters) > 1:
        yield Problem(
            f"task {entry.task} has several answer filters",
            f"it has {', '.join(filters)}",
            "name one of them with filter:",
            where,
        )
    version = (file.settings.get("metadata") or {}).get("version")
    if entry.version is not None and version is not None and str(entry.version) != str(version):
        yield version_problem(entry.task, version, entry.version, where)
    if entry.num_fewshot and file.settings.get("num_fewshot") == 0:
        yield Problem(
            f"num_fewshot: {entry.num_fewshot} cannot be set for task {entry.task}",
            "its file fixes it at 0, and lm-eval then ignores any other number",
            "remove num_fewshot",
            where,
        )


def _names(filters: Any) -> list[str]:
    listed = filters if isinstance(filters, list) else []
    return [str(each["name"]) for each in listed if isinstance(each, dict) and "name" in each]


def version_problem(task: str, found: object, pinned: object, where: Where | None) -> Problem:
    """That lm-eval has another version of a task than a suite is pinned to."""
    from importlib.metadata import version

    return Problem(
        f"task {task} has version {found}, and the suite is pinned to {pinned}",
        f"lm-eval {version('lm-eval')} defines the task otherwise than the suite's scores were "
        "made with: scores would be of another task",
        "install the lm-eval that constraints.txt names, or correct version: and compare with no "
        "score of the other version",
        where,
    )
