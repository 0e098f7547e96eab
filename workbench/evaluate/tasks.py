"""Building a suite's lm-eval tasks, once for all models that are scored on it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, StepFailed, UserError, Where, user_error
from workbench.evaluate.chosen import ChosenItems
from workbench.evaluate.network import cached_data_only, hub_reachable
from workbench.evaluate.suites import Suite, SuiteTask
from workbench.evaluate.task_files import TaskFile, check_items

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager


@dataclass(frozen=True)
class BuiltTask:
    """An lm-eval task as the suite wants it."""

    name: str
    entry: SuiteTask
    task: Task
    filter: str
    items: ChosenItems

    def key(self, metric: str) -> str:
        """The metric's name in lm-eval's results."""
        return f"{metric},{self.filter}"

    def score_names(self) -> dict[str, str]:
        """The name under which each metric is reported: the first has the task's own."""
        first, *further = self.entry.metrics
        return {first: self.name, **{metric: f"{self.name}/{metric}" for metric in further}}


def build_tasks(suite: Suite, seed: int) -> list[BuiltTask]:
    """Every task of the suite, groups and tags replaced by their members.

    Raises:
        UserError: a task, metric, filter or item file does not exist, or a setting does not fit.
        StepFailed: data from the hub is needed and neither cached nor reachable.
    """
    from lm_eval.tasks import TaskManager

    local = suite.local_tasks()
    missing = [p for t in suite.tasks if t.task in local for p in check_items(local[t.task])]
    if missing:
        raise UserError(missing)
    # lm-eval's own index takes many seconds to read; a suite of local tasks does without it.
    hub = any(entry.task not in local for entry in suite.tasks)
    manager = TaskManager(
        include_path=[str(folder) for folder in suite.include], include_defaults=hub
    )
    built: dict[str, BuiltTask] = {}
    for entry in suite.tasks:
        for name, task in load_tasks(manager, entry.task, local.get(entry.task)).items():
            if name in built:
                raise user_error(
                    f"task {name} is in the suite twice: through {built[name].entry.task} and "
                    f"through {entry.task}",
                    "a task has one score",
                    "remove one of them",
                    Where(str(suite.path)),
                )
            built[name] = _settle(suite, name, entry, task, seed)
    return list(built.values())


def load_tasks(manager: TaskManager, given: str, local: TaskFile | None) -> dict[str, Task]:
    """The lm-eval tasks that a name stands for: itself, or a group's members.

    ``local`` is its file where it is one of ours; its items then come from beside it.

    Raises:
        UserError: there is none of that name, or its file is wrong.
        StepFailed: data from the hub is needed and neither cached nor reachable.
    """
    if given not in manager.task_index:
        raise user_error(
            f"there is no task called {given!r}",
            "neither the suite's include folders nor lm-eval define it",
            "`lm_eval ls tasks` lists lm-eval's own",
        )
    spec: Any = given
    needs_hub = local is None or not local.data_files()
    if local is not None and not needs_hub:
        # A group of one is lm-eval's way to load a task by name with settings changed: here, its
        # items put in from memory or by absolute path.
        spec = {"group": "suite", "task": [{"task": given, **_items_of(local)}]}
    offline = needs_hub and not hub_reachable()
    try:
        with cached_data_only() if offline else contextlib.nullcontext():
            return dict(manager.load([spec])["tasks"])
    except Exception as error:
        words = f"{type(error).__name__}: {str(error).strip()[:300]}"
        if not needs_hub:
            raise user_error(
                f"task {given} cannot be built: {words}",
                "its templates do not fit its items, or a setting is wrong",
                "correct the task file; `lm_eval validate` checks it too",
                Where(str(local.path)) if local else None,
            ) from error
        raise StepFailed(_no_data(manager, given, words, offline)) from error


def _items_of(file: TaskFile) -> dict[str, Any]:
    """Settings that make lm-eval read the items that ship beside a task file, wherever we run.

    JSON lines are read here rather than through ``datasets.load_dataset``, which copies them into
    a cache in the user's home.
    """
    files = file.data_files()
    kwargs = dict(file.settings.get("dataset_kwargs") or {})
    if not files:
        return {}
    if set(kwargs) == {"data_files"} and all(
        path.suffix == ".jsonl" for paths in files.values() for path in paths
    ):

        def read(**_: object) -> Any:
            from datasets import Dataset, DatasetDict

            return DatasetDict(
                {
                    split: Dataset.from_list(
                        [json.loads(line) for path in paths for line in path.open("rb")]
                    )
                    for split, paths in files.items()
                }
            )

        return {"custom_dataset": read, "dataset_kwargs": {}}
    kwargs["data_files"] = {split: [str(p) for p in paths] for split, paths in files.items()}
    return {"dataset_kwargs": kwargs}


def _no_data(manager: TaskManager, name: str, words: str, offline: bool) -> Problem:
    settings = manager.task_index[name].cfg or {}
    data = [settings.get("dataset_path"), settings.get("dataset_name")]
    arguments = ", ".join(repr(str(part)) for part in data if part)
    return Problem(
        f"the data of task {name} could not be loaded: {words}",
        "the hub cannot be reached (or is switched off), and no copy is cached" if offline else "",
        "run this once where there is a network: "
        + (
            f'python -c "from datasets import load_dataset; load_dataset({arguments})"'
            if arguments
            else "the same command"
        ),
    )


def _settle(suite: Suite, name: str, entry: SuiteTask, task: Task, seed: int) -> BuiltTask:
    where = Where(str(suite.path))
    _check_version(name, entry, task, where)
    set_up(
        name,
        task,
        num_fewshot=entry.num_fewshot,
        max_gen_toks=entry.max_gen_toks,
        seed=seed,
        where=where,
    )
    _check_metric(name, entry, task, where)
    return BuiltTask(
        name, entry, task, _filter_of(name, entry, task, where), ChosenItems(task, seed)
    )


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


def _check_version(name: str, entry: SuiteTask, task: Task, where: Where) -> None:
    if entry.version is None or str(entry.version) == str(task.VERSION):
        return
    from importlib.metadata import version

    raise user_error(
        f"task {name} has version {task.VERSION}, and the suite is pinned to {entry.version}",
        f"lm-eval {version('lm-eval')} defines the task otherwise than the suite's scores were "
        "made with: scores would be of another task",
        "install the lm-eval that constraints.txt names, or correct version: and compare with no "
        "score of the other version",
        where,
    )


def _check_metric(name: str, entry: SuiteTask, task: Task, where: Where) -> None:
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


def _filter_of(name: str, entry: SuiteTask, task: Task, where: Where) -> str:
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
