"""Family trees prepared for the template: the trees of one family together, largest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.report.leaderboard_read import Node
from workbench.report.numbers import plural

UNPLACED = "Not placed"
#: A page of more models than this is too heavy to open.
MOST_MODELS = 900


@dataclass(frozen=True)
class Family:
    """The trees of one family. ``chinese`` is ``None`` where the lab is not known."""

    name: str
    chinese: bool | None
    words: str
    trees: list[Node]


def largest(trees: Iterable[Node]) -> list[Node]:
    """The first trees, largest first as they come, that together keep within ``MOST_MODELS``."""
    kept: list[Node] = []
    models = 0
    for tree in trees:
        models += int(tree.models.number or 0) + 1
        if kept and models > MOST_MODELS:
            break
        kept.append(tree)
    return kept


def families(trees: Iterable[Node]) -> list[Family]:
    """Families by the number of models below their bases; what was not placed comes last."""
    groups: dict[str, list[Node]] = {}
    for tree in trees:
        name = tree.family.words if tree.placed.yes else UNPLACED
        groups.setdefault(name or UNPLACED, []).append(tree)
    found = [_family(name, group) for name, group in groups.items()]
    return sorted(found, key=lambda family: (family.name == UNPLACED, -_models(family.trees)))


def _family(name: str, trees: list[Node]) -> Family:
    first = trees[0]
    parts = [first.lab.words, first.country.words] if name != UNPLACED else []
    parts += [plural(_models(trees), "model"), plural(len(trees), "tree")]
    chinese = first.chinese.raw if isinstance(first.chinese.raw, bool) else None
    return Family(name, chinese, " · ".join(part for part in parts if part), trees)


def _models(trees: list[Node]) -> int:
    return int(sum(tree.models.number or 0 for tree in trees))
