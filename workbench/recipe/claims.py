"""What a recipe claims to reproduce: its form, and the published rows it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.leaderboard.reproduce.claim import Claim, table_columns
from workbench.recipe.node import Node
from workbench.recipe.schema import Recipe
from workbench.recipe.words import ALIASES

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite

KEY = "reproduces"


def as_list(root: Node) -> None:
    """Read one mapping under ``reproduces`` as a list of one, in place."""
    for key in (KEY, *(alias for alias, ours in ALIASES[Recipe].items() if ours == KEY)):
        node = root.find((key,))
        if node is not None and isinstance(node.content, dict) and isinstance(root.content, dict):
            root.content[key] = Node([node], node.where, node.key)


def claims_of(recipe: Recipe, suite: Suite | None) -> tuple[Claim, ...]:
    """What the recipe wants reproduced.

    Raises:
        UserError: an entry, snapshot or output does not exist; the first such problem.
    """
    if not recipe.reproduces or suite is None:
        return ()
    from workbench.leaderboard.published import find, read

    rows = read(suite.name)
    columns = table_columns(suite, rows)
    return tuple(
        Claim.of(
            config=each,
            output=each.output or candidates(recipe)[0],
            entry=find(suite.name, each.entry, each.snapshot),
            suite=suite,
            columns=columns,
        )
        for each in recipe.reproduces
    )


def candidates(recipe: Recipe) -> list[str]:
    """The outputs, or the bases of a recipe that makes nothing: one of them is meant."""
    return list(recipe.outputs or recipe.bases)
