"""Reading a recipe: text to checked values that know their places, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from workbench.errors import Problem, Where, user_error
from workbench.output_config import OutputConfig
from workbench.recipe.claims import as_list
from workbench.recipe.faults import problems_of, where_at
from workbench.recipe.found import with_files
from workbench.recipe.graph import link
from workbench.recipe.names import check_names
from workbench.recipe.node import Node
from workbench.recipe.salvage import what_is_sound
from workbench.recipe.schema import Recipe
from workbench.recipe.sets import apply_sets
from workbench.recipe.tree import MAX_BYTES, read_tree
from workbench.recipe.unfold import Matrix, unfold
from workbench.recipe.words import rename_aliases

#: No count, size or rate of a recipe comes near it, and products of several stay finite.
MAX_NUMBER = 10**15


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe as it was read. ``notices`` are remarks, such as another tool's name used.

    ``faults`` are what is wrong with its form. Where there are any, ``recipe`` holds what could be
    read of the rest, for the checks alone: no plan is made of it.
    """

    recipe: Recipe
    path: Path
    text: str
    sets: tuple[str, ...]
    notices: tuple[Problem, ...]
    root: Node = field(repr=False)
    faults: tuple[Problem, ...] = ()
    #: What the study comes to, where there is one; its outputs are among those of ``recipe``.
    matrix: Matrix | None = None

    def where(self, path: str | Sequence[str | int], *, key: bool = False) -> Where:
        """The place of the value at ``path`` (or its key), or of what would hold it."""
        steps = path.split(".") if isinstance(path, str) else path
        return where_at(self.root, tuple(steps), key=key)


def load_recipe(path: Path, sets: Sequence[str] = ()) -> LoadedRecipe:
    """Read and validate the recipe in ``path`` with the ``--set`` changes in ``sets``.

    A faulty recipe comes back with its ``faults``: ``recipe.check.checked_plan`` refuses it, with
    what is wrong in its contents beside them, data files included, so that one round mends all.

    The relative paths of data sets, local bases and the suite come back as they are found from the
    working folder (see :mod:`workbench.recipe.paths`), chat template files as their text.

    Raises:
        UserError: nothing of a recipe could be read: no file, no text, no YAML, no mapping.
    """
    text = read_text(path)
    root, problems = read_tree(text, str(path))
    if not isinstance(root.content, dict):
        raise user_error(
            "a recipe is a mapping (key: value)",
            "the file holds something else at its top",
            "begin with name:, bases: and outputs:",
            root.where,
        )
    # Anchors need a place to stand that is no part of the recipe: x-anything, as in Compose files.
    for key in [k for k in root.content if k.startswith("x-")]:
        del root.content[key]
    problems += apply_sets(root, sets)
    as_list(root)
    clashes, notices = rename_aliases(root)
    problems += clashes
    problems += _numbers_out_of_reach(root)
    problems += check_names(root)
    try:
        recipe = Recipe.model_validate(root.data())
    except ValidationError as error:
        problems += problems_of(error, root)
        recipe = what_is_sound(root, path.stem)
    matrix = unfold(recipe, root, path)
    made: Mapping[str, OutputConfig] = matrix.outputs if matrix else {}
    bases = {**recipe.bases, **(matrix.implicit if matrix else {})}
    problems += matrix.problems if matrix else ()
    notices += matrix.notices if matrix else ()
    # What a treatment is made from is told once and not for every base.
    outputs = {**recipe.outputs, **({} if matrix and matrix.problems else made)}
    implicit, unlinked = link(outputs, bases, root, path)
    problems += unlinked
    recipe = recipe.model_copy(
        update={"bases": {**bases, **implicit}, "outputs": {**recipe.outputs, **made}}
    )
    return LoadedRecipe(
        with_files(recipe, path),
        path,
        text,
        tuple(sets),
        tuple(notices),
        root,
        tuple(problems),
        matrix,
    )


def read_text(path: Path) -> str:
    """The text of a recipe file.

    Raises:
        UserError: it is missing, a folder, too large, or no UTF-8 text.
    """
    where = Where(str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        near = _near(path)
        raise user_error(
            f"there is no recipe {path}", remedy=near or "check the path; recipes/ holds examples"
        ) from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise user_error(f"cannot read the recipe {path}: {words}", "", "check the path") from None
    if len(raw) > MAX_BYTES:
        raise user_error(
            f"the file is larger than {MAX_BYTES:,} bytes",
            "a recipe of 10,000 lines has about 300,000",
            "check that this is the recipe",
            where,
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise user_error(
            "this is no text in UTF-8",
            f"byte {raw[error.start]:#04x} at offset {error.start:,}",
            "save the recipe as UTF-8; if it is no text file, check the path",
            Where(str(path), line),
        ) from None


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Problems in the order of the file, each once; those without a place last."""

    def place(problem: Problem) -> tuple[bool, str, int, int]:
        where = problem.where
        return (where is None, *((where.file, where.line, where.column) if where else ("", 0, 0)))

    return sorted(dict.fromkeys(problems), key=place)


def _near(path: Path) -> str:
    from workbench.recipe.words import likely

    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    near = likely(path.name, names)
    return f"did you mean {path.parent / near}?" if near else ""


def _numbers_out_of_reach(root: Node) -> list[Problem]:
    problems = []
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if isinstance(node.content, dict):
            ahead += node.content.values()
        elif isinstance(node.content, list):
            ahead += node.content
        elif isinstance(node.content, float) and not math.isfinite(node.content):
            fact = f"{node.content} is not a finite number"
            problems.append(Problem(fact, remedy="give a number", where=node.where))
        elif isinstance(node.content, int | float) and abs(node.content) >= MAX_NUMBER:
            fact = f"{node.content} is larger than any number that a recipe needs"
            remedy = f"give a number below {MAX_NUMBER:.0e}"
            problems.append(Problem(fact, "it is taken for a slip", remedy, node.where))
    return problems
