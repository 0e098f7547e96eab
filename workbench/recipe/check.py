"""Every check of a recipe that needs no weights, all of them before anything is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.errors import Problem, UserError, WorkbenchError
from workbench.finetune.config import FinetuneConfig
from workbench.recipe.faults import KeyPath
from workbench.recipe.graph import parents_of, reference
from workbench.recipe.load import LoadedRecipe, in_order
from workbench.recipe.plan import Plan, make_plan
from workbench.recipe.reproducing import reproduction_problems
from workbench.recipe.room import disk_problems
from workbench.recipe.scanning import scan_problems
from workbench.recipe.shapes import placed, shapes
from workbench.recipe.studying import once_a_treatment, study_problems
from workbench.recipe.training import training_problems


def checked_plan(loaded: LoadedRecipe, home: Path | None = None) -> Plan:
    """The plan of a recipe that passed every check; with ``home``, its disk has room for it too.

    Raises:
        UserError: all problems at once, in the order of the file.
    """
    problems = [*loaded.faults, *content_problems(loaded)]
    if problems:
        raise UserError(in_order(problems))
    plan = make_plan(loaded)
    if home is not None:
        problems = disk_problems(plan, home)
        if problems:
            raise UserError(problems)
    return plan


def content_problems(loaded: LoadedRecipe) -> list[Problem]:
    """Problems of bases, data, layer paths, merges and the suite, each at its place."""
    configs, unfit = shapes(loaded)
    problems = [
        *_base_problems(loaded),
        *_data_problems(loaded),
        *training_problems(loaded, configs),
        *scan_problems(loaded),
        *_suite_problems(loaded),
        *reproduction_problems(loaded),
        *study_problems(loaded, configs),
        *unfit,
    ]
    return once_a_treatment(problems, loaded)


def _base_problems(loaded: LoadedRecipe) -> list[Problem]:
    from workbench.bases.identity import identity

    problems: list[Problem] = []
    for name, base in loaded.recipe.bases.items():
        try:
            identity(base)
        except WorkbenchError as error:
            problems += placed(error.problems, loaded, _place_of_base(loaded, name))
    return problems


def _place_of_base(loaded: LoadedRecipe, name: str) -> KeyPath:
    """Where a base's ``base_model`` stands; for an undeclared base, where an output names it."""
    if loaded.root.find(("bases", name)) is not None:
        return ("bases", name, "base_model")
    for output, config in loaded.recipe.outputs.items():
        if name in parents_of(config.step):
            return reference(loaded.root, output, name)
    return ()


def _data_problems(loaded: LoadedRecipe) -> list[Problem]:
    from workbench.finetune.data import check_dataset

    problems: list[Problem] = []
    seen: set[str] = set()
    cells = loaded.matrix.cells if loaded.matrix else ()
    ordered = {cell.output: cell.hypothesis for cell in reversed(cells)}
    for name, output in loaded.recipe.outputs.items():
        step = output.step
        for index, dataset in enumerate(step.datasets if isinstance(step, FinetuneConfig) else ()):
            # What an anchor repeats in a hundred outputs is read once.
            if dataset.model_dump_json() not in seen:
                seen.add(dataset.model_dump_json())
                where = loaded.where(("outputs", name, "finetune", "datasets", index, "path"))
                found = check_dataset(dataset, where)
                if dataset.labels != "given" and (hypothesis := ordered.get(name)):
                    found = [_ordered(problem, hypothesis) for problem in found]
                problems += [p if p.where else replace(p, where=where) for p in found]
    return problems


def _ordered(problem: Problem, hypothesis: str) -> Problem:
    cause = f"hypothesis {hypothesis} trains with these labels"
    remedy = "remove the hypothesis, or use data that can be labelled so"
    return replace(problem, cause=problem.cause or cause, remedy=remedy)


def _suite_problems(loaded: LoadedRecipe) -> list[Problem]:
    evaluate = loaded.recipe.evaluate
    if evaluate is None:
        return []
    from workbench.evaluate.checks import check_suite

    where = loaded.where(("evaluate", "suite"))
    try:
        return list(check_suite(evaluate.suite, where, run_code=evaluate.run_code))
    except WorkbenchError as error:
        return placed(error.problems, loaded, ("evaluate", "suite"))
