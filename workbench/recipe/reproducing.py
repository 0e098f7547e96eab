"""``reproduces:`` against the published tables, before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.errors import Problem, UserError, Where
from workbench.leaderboard.reproduce.claim import Claim, table_columns
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.recipe.claims import KEY, candidates
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.node import Node
from workbench.recipe.words import likely

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite
    from workbench.leaderboard.published import PublishedEntry


def reproduction_problems(loaded: LoadedRecipe) -> Iterator[Problem]:
    """Everything about ``reproduces:`` that cannot be, each at its place."""
    recipe = loaded.recipe
    if not recipe.reproduces:
        return
    for index, each in enumerate(recipe.reproduces):
        yield from _output_problems(loaded, index, each)
    if recipe.evaluate is None:
        written = loaded.root.find(("evaluate",))
        if written is not None and written.content is not None:
            # What is wrong with it is told there.
            return
        yield Problem(
            "reproduces needs scores, and the recipe says evaluate: null",
            "a published figure is held against our own",
            "say evaluate: {suite: NAME} with the suite that the figures are of",
            loaded.where((KEY,), key=True),
        )
        return
    from workbench.evaluate.suites import load_suite
    from workbench.leaderboard.published import read

    try:
        suite = load_suite(recipe.evaluate.suite)
    except UserError:
        # Told where the suite is named.
        return
    try:
        rows = read(suite.name)
    except UserError as error:
        place = ("evaluate", "suite") if loaded.root.find(("evaluate", "suite")) else (KEY,)
        yield from _placed(error, loaded.where(place))
        return
    seen: dict[tuple[str, ...], int] = {}
    for index, each in enumerate(recipe.reproduces):
        yield from _entry_problems(loaded, index, each, suite, rows)
        claim = (each.entry.lower(), each.snapshot, each.output or "")
        if claim in seen:
            first = loaded.where((KEY, seen[claim])).line
            yield Problem(
                f"{each.entry} ({each.snapshot}) is asked for twice",
                f"once in line {first}" if first else "",
                "remove one of the two",
                loaded.where((KEY, index)),
            )
        seen.setdefault(claim, index)


def _entry_problems(
    loaded: LoadedRecipe,
    index: int,
    config: ReproduceConfig,
    suite: Suite,
    rows: list[PublishedEntry],
) -> Iterator[Problem]:
    from workbench.leaderboard.published import find

    known = any(row.entry.lower() == config.entry.lower() for row in rows)
    where = loaded.where((KEY, index, "snapshot" if known else "entry"))
    try:
        entry = find(suite.name, config.entry, config.snapshot, where=where)
    except UserError as error:
        yield from _placed(error, where)
        return
    claim = Claim.of(config, config.output or "", entry, suite, table_columns(suite, rows))
    if not claim.figures:
        stated = ", ".join(entry.scores) or "no single figure"
        yield Problem(
            f"{entry.entry} ({entry.snapshot}) has no figure for what suite {suite.name} scores",
            f"the table states {stated}"
            + (f" and an average of {entry.average:g}" if entry.average is not None else ""),
            "take a snapshot that has figures, or a suite that scores these",
            where,
        )
    whole = 1.0 if suite.points is None else 100.0
    if claim.margin >= whole:
        yield Problem(
            f"a margin of {claim.margin:g} is the whole scale",
            f"figures of this suite go from 0 to {whole:g}",
            "give the largest difference that still counts as the same, such as "
            + ("0.03" if suite.points is None else "3.0"),
            loaded.where((KEY, index, "margin")),
        )


def _output_problems(
    loaded: LoadedRecipe, index: int, config: ReproduceConfig
) -> Iterator[Problem]:
    recipe = loaded.recipe
    names = candidates(recipe)
    written = {*recipe.outputs, *recipe.bases, *_written(loaded.root)}
    if config.output is None and len(names) != 1:
        yield Problem(
            f"it is not said which output should reproduce {config.entry}",
            f"there are {', '.join(names)}" if names else "the recipe names none",
            f"add output: {names[0]}" if names else "",
            loaded.where((KEY, index)),
        )
    elif config.output is not None and config.output not in written:
        near = likely(config.output, written)
        yield Problem(
            f"{config.output[:80]!r} is neither an output nor a base of this recipe",
            "",
            f"did you mean {near}?" if near else f"there are: {', '.join(sorted(written)[:12])}",
            loaded.where((KEY, index, "output")),
        )


def _written(root: Node) -> list[str]:
    """Names of outputs and bases as they stand in the file, those with faults too."""
    nodes = (root.find((section,)) for section in ("bases", "outputs"))
    return [
        name for node in nodes if node and isinstance(node.content, dict) for name in node.content
    ]


def _placed(error: UserError, where: Where) -> Iterator[Problem]:
    for problem in error.problems:
        yield (
            problem
            if problem.where
            else Problem(problem.fact, problem.cause, problem.remedy, where)
        )
