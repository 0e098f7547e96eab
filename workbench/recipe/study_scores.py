"""What a study is scored on, and the items that its probes ask: what cannot be, at its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.errors import Problem, UserError
from workbench.recipe.faults import shown
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.shapes import placed
from workbench.recipe.study_plan import item_file
from workbench.recipe.study_tasks import counted, scored_tasks
from workbench.recipe.words import did_you_mean, likely
from workbench.study.design.config import StudyConfig

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite


def scoring_problems(loaded: LoadedRecipe, study: StudyConfig) -> Iterator[Problem]:
    """Problems of suite, tasks, and the files of suspect and fresh items."""
    suite = _suite(loaded)
    yield from _evaluate_problems(loaded, study, suite)
    yield from _item_problems(loaded, study, suite)


def _suite(loaded: LoadedRecipe) -> Suite | None:
    if loaded.recipe.evaluate is None:
        return None
    from workbench.evaluate.suites import load_suite

    try:
        return load_suite(loaded.recipe.evaluate.suite)
    except UserError:
        # Told where the suite is named.
        return None


def _evaluate_problems(
    loaded: LoadedRecipe, study: StudyConfig, suite: Suite | None
) -> Iterator[Problem]:
    evaluate = loaded.recipe.evaluate
    if evaluate is None:
        written = loaded.root.find(("evaluate",))
        # One that is misspelt or faulty is told of where it stands.
        if written is not None and written.content is None:
            yield Problem(
                "a study needs scores, and the recipe says evaluate: null",
                "what a base gains is what it scores after the treatment less before",
                "say evaluate: {suite: NAME}",
                loaded.where(("evaluate",), key=True),
            )
        return
    if evaluate.sequential is not None:
        yield Problem(
            "a study cannot score in looks",
            "every base must be asked the same items, and a scoring in looks ends for each when "
            "its own comparison is clear",
            "remove sequential, and use limit where the suite is too long",
            loaded.where(("evaluate", "sequential"), key=True),
        )
    of = scored_tasks(suite) if suite is not None else {}
    known = [*of, *(task for tasks in of.values() for task in tasks if task not in of)]
    for index, task in enumerate(study.tasks or ()):
        where = loaded.where(("study", "tasks", index))
        if suite is not None and task not in known:
            fact = f"suite {suite.name} has no task {task[:80]!r}"
            yield Problem(fact, f"it has {', '.join(of)}", did_you_mean(task, known), where)
        elif study.tasks and task in study.tasks[:index]:
            yield Problem(f"task {task} is listed twice", "", "remove one of the two", where)


def _item_problems(
    loaded: LoadedRecipe, study: StudyConfig, suite: Suite | None
) -> Iterator[Problem]:
    known = counted(suite, None) if suite is not None else ()
    for key in ("suspect", "fresh"):
        given: str | None = getattr(study, key)
        if given is None:
            continue
        where = loaded.where(("study", key))
        file = item_file(given)
        if file is None:
            if key == "suspect" and (given in known or suite is None):
                continue
            near = likely(given, known) if key == "suspect" else None
            yield Problem(
                f"{key}: there is no file {shown(given).removeprefix('the text ')}"
                + (", nor a task of that name in the suite" if key == "suspect" else ""),
                "",
                f"did you mean {near}?" if near else "check the path",
                where,
            )
            continue
        from workbench.study.questions.item_files import read_items

        try:
            read_items(file)
        except UserError as error:
            yield from placed(error.problems, loaded, ("study", key))
    if study.suspect is not None and study.suspect == study.fresh:
        yield Problem(
            "suspect and fresh are the same items",
            "probes tell items that a base may have seen from items like them that it cannot have",
            "name a file of its own for each",
            loaded.where(("study", "fresh")),
        )
