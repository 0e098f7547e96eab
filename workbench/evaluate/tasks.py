"""Building a suite's lm-eval tasks, once for all models that are scored on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, StepFailed, UserError, Where, user_error
from workbench.evaluate.checks import code_problem, code_problems
from workbench.evaluate.chosen import ChosenItems
from workbench.evaluate.data_sets import (
    DataSet,
    data_sets_of,
    missing,
    missing_problem,
)
from workbench.evaluate.documents import made_once
from workbench.evaluate.fetch import NO_NETWORK, ensure_data
from workbench.evaluate.fitting import check_metrics, check_version, filter_of, set_up
from workbench.evaluate.members import home_of, is_defined
from workbench.evaluate.network import cached_data_only, hub_reachable
from workbench.evaluate.quiet import seeded
from workbench.evaluate.sandbox import our_code_eval
from workbench.evaluate.suites import Suite, SuiteTask
from workbench.evaluate.task_files import TaskFile, check_items, files_of

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


def build_tasks(suite: Suite, seed: int, run_code: bool = False) -> list[BuiltTask]:
    """Every task of the suite, groups and tags replaced by their members.

    Raises:
        UserError: a task, metric, filter or item file does not exist, a setting does not fit, or
            programs would be run without ``run_code``.
        StepFailed: data from the hub is needed and neither cached nor reachable.
    """
    from lm_eval.tasks import TaskManager

    local = suite.local_tasks()
    missing = [p for t in suite.tasks if t.task in local for p in check_items(local[t.task])]
    if missing:
        raise UserError(missing)
    if not run_code and (unasked := code_problems(suite)):
        raise UserError(unasked)
    ensure_data(suite)
    # lm-eval's own index takes many seconds to read: of the folders that are needed, none.
    homes = {entry.task: home_of(entry.task) for entry in suite.tasks if entry.task not in local}
    folders = [*suite.include, *dict.fromkeys(home for home in homes.values() if home)]
    manager = TaskManager(
        include_path=[str(folder) for folder in folders],
        include_defaults=any(home is None and is_defined(task) for task, home in homes.items()),
    )
    built: dict[str, BuiltTask] = {}
    for entry in suite.tasks:
        # Each as if it were built alone: what is shuffled depends on no other entry.
        with seeded(seed):
            tasks = load_tasks(manager, entry.task, local.get(entry.task), run_code)
        for name, task in tasks.items():
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


def load_tasks(
    manager: TaskManager, given: str, local: TaskFile | None, run_code: bool = False
) -> dict[str, Task]:
    """The lm-eval tasks that a name stands for: itself, or a group's members.

    ``local`` is its file where it is one of ours; its items then come from beside it.

    Raises:
        UserError: there is none of that name, its file is wrong, or it runs programs without
            ``run_code``.
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
    files = files_of(given, local)
    if not run_code and any(file.runs_code for file in files):
        raise UserError(code_problem(given))
    sets = data_sets_of(files) if needs_hub else []
    if local is not None and not needs_hub:
        # A group of one is lm-eval's way to load a task by name with settings changed: here, its
        # items put in from memory or by absolute path.
        spec = {"group": "suite", "task": [{"task": given, **_items_of(local)}]}
    # What is cached is used as it is: a run depends on no network that it does not need.
    cached = bool(sets) and all(each.cached for each in sets)
    offline = needs_hub and (cached or not hub_reachable())
    try:
        with (
            cached_data_only() if offline else contextlib.nullcontext(),
            made_once(),
            our_code_eval(),
        ):
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
        raise StepFailed(_not_loaded(given, words, sets)) from error


def _not_loaded(given: str, words: str, sets: list[DataSet]) -> Iterator[Problem]:
    """What is missing of the data; where nothing is, that the task could not be built."""
    lacking = missing(sets)
    for group in lacking.values():
        yield missing_problem(group, "" if hub_reachable() else NO_NETWORK)
    if not lacking:
        yield Problem(
            f"task {given} could not be built: {words}",
            "its data is cached, and is damaged or not of the shape that lm-eval expects"
            if sets
            else "",
            f"fetch it again: {' && '.join(each.fetch for each in sets)}" if sets else "",
        )


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


def _settle(suite: Suite, name: str, entry: SuiteTask, task: Task, seed: int) -> BuiltTask:
    where = Where(str(suite.path))
    check_version(name, entry, task, where)
    set_up(
        name,
        task,
        num_fewshot=entry.num_fewshot,
        max_gen_toks=entry.max_gen_toks,
        seed=seed,
        where=where,
    )
    check_metrics(name, entry, task, where)
    return BuiltTask(
        name, entry, task, filter_of(name, entry, task, where), ChosenItems(task, seed)
    )
