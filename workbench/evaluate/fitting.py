"""Whether a suite's entry fits the lm-eval task it names: settings, version, metrics, filter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.errors import UserError, Where, user_error
from workbench.evaluate.checks import version_problem
from workbench.evaluate.suites import SuiteTask

if TYPE_CHECKING:
    from lm_eval.api.task import Task


def set_up(
    name: str,
    task: Task,
    *,
    num_fewshot: int | None,
    max_gen_toks: int | None,
    seed: int,
    where: Where | None,
) -> None:
    """Few-shot, generation length and seed as ``simple_evaluate`` would set them, after checks.

    Raises:
        UserError: at ``where``: the task does not take such a setting.
    """
    shots = task.get_config("num_fewshot")
    if num_fewshot is not None and num_fewshot != shots:
        if shots == 0:
            raise user_error(
                f"num_fewshot: {num_fewshot} cannot be set for task {name}",
                "its file fixes it at 0, and lm-eval then ignores any other number",
                "remove num_fewshot",
                where,
            )
        shots = num_fewshot
    task.set_config(key="num_fewshot", value=shots or 0)
    if shots and not _has_examples(task):
        raise user_error(
            f"task {name} has no examples to show",
            "it has only test items, so lm-eval would show items with their answers",
            "set num_fewshot: 0, or give the task file a fewshot_split",
            where,
        )
    task.set_fewshot_seed(seed=seed)
    if max_gen_toks is not None:
        if task.OUTPUT_TYPE != "generate_until":
            raise user_error(f"task {name} generates nothing: remove max_gen_toks", where=where)
        task.set_config(key="generation_kwargs", value={"max_gen_toks": max_gen_toks}, update=True)


def _has_examples(task: Task) -> bool:
    config = getattr(task, "fewshot_cfg", None)
    named = config is not None and (config.split is not None or config.samples is not None)
    return bool(named or task.has_training_docs() or task.has_validation_docs())


def check_version(name: str, entry: SuiteTask, task: Task, where: Where) -> None:
    """That lm-eval's version of the task is the one that the suite is pinned to.

    Raises:
        UserError: at ``where``: it is another.
    """
    if entry.version is None or str(entry.version) == str(task.VERSION):
        return
    raise UserError(version_problem(name, task.VERSION, entry.version, where))


def check_metrics(name: str, entry: SuiteTask, task: Task, where: Where) -> None:
    """That the task gives the metrics, each a mean over items.

    Raises:
        UserError: at ``where``: it does not.
    """
    known = dict(task.aggregation())
    for metric, further in getattr(task, "_metric_fn_kwargs", {}).items():
        # pass_at_k gives one metric for each k, which lm-eval knows after the first item only.
        if metric == "pass_at_k":
            known |= {f"pass@{k}": known[metric] for k in further["k"]}
    means = [metric for metric, function in known.items() if _is_mean(function)]
    for metric in entry.metrics:
        if metric not in known:
            raise user_error(
                f"task {name} has no metric {metric!r}",
                f"it gives {', '.join(known)}",
                "name one of these",
                where,
            )
        if metric not in means:
            raise user_error(
                f"metric {metric!r} of task {name} is no mean over items",
                "intervals and paired comparisons need a score for every item",
                f"use {' or '.join(means)}" if means else "use another task",
                where,
            )


def _is_mean(aggregate: Callable[[list[Any]], Any]) -> bool:
    """Whether a task's aggregation is the mean over items, or over all parts of all items.

    The second is how IFEval counts instructions: an item's score is a list. A task brings its own
    function for it, so it is known by what it does to two items of unequal length.
    """
    from lm_eval.api.metrics import mean

    if aggregate is mean:
        return True
    try:
        return math.isclose(aggregate([[1.0, 0.0, 0.0], [1.0, 1.0], [0.0]]), 0.5) and math.isclose(
            aggregate([[1.0], [0.0, 0.0, 0.0]]), 0.25
        )
    except Exception:  # whatever a task's own function makes of lists that it does not expect
        return False


def filter_of(name: str, entry: SuiteTask, task: Task, where: Where) -> str:
    """The answer filter that the entry names, or the only one that there is.

    Raises:
        UserError: at ``where``: there is none of that name, or none is named of several.
    """
    names = [str(each.name) for each in task._filters]
    if entry.filter is None and len(names) == 1:
        return names[0]
    if entry.filter in names:
        return str(entry.filter)
    raise user_error(
        f"task {name} has no filter {entry.filter!r}"
        if entry.filter
        else f"task {name} has several answer filters",
        f"it has {', '.join(names)}",
        "name one of them with filter:",
        where,
    )
