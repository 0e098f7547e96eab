"""Scores and gains by base, family, country and size class, prepared for the template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.bases.catalogue import entries
from workbench.report.leaderboard_lines import OUTCOMES, Drawn, Lines, table
from workbench.report.leaderboard_read import Node

#: Bases with fewer entries stand in a table of their own, folded away.
ENOUGH = 5
#: The values of a tree's nodes by outcome.
_OF_MODEL = {"final": "score", "gain_base": "gain_base", "gain_instruct": "gain_instruct"}


@dataclass(frozen=True)
class Model:
    """A community model of a tree: its name and its values by outcome."""

    name: str
    values: dict[str, float]


class GroupsView:
    """The four tables."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._models = {tree.root.words: _models(tree.tree) for tree in root.trees}

    @cached_property
    def bases(self) -> Lines | None:
        """Bases with enough entries, by their median final score."""
        return self._by_base(lambda n: n >= ENOUGH)

    @cached_property
    def few(self) -> Lines | None:
        """The other bases."""
        return self._by_base(lambda n: n < ENOUGH)

    @cached_property
    def families(self) -> Lines | None:
        """Families, most entries first."""
        return _lines(
            [
                (
                    node.name.words,
                    _group(node),
                    _join(node.lab.words, _many(node.bases, "base")),
                    node,
                )
                for node in self._root.families
            ]
        )

    @cached_property
    def countries(self) -> Lines | None:
        """Countries, most entries first."""
        named = {entry.lab.country: entry.lab.country_name for entry in entries()}
        return _lines(
            [
                (
                    named.get(node.name.words, node.name.words),
                    _group(node),
                    _join(_many(node.families, "family", "families"), _many(node.bases, "base")),
                    node,
                )
                for node in self._root.countries
            ]
        )

    @cached_property
    def sides(self) -> Lines | None:
        """Chinese bases and others, all together and by size class."""
        return _lines(
            [
                (
                    _side(node),
                    _group(node),
                    _join(_many(node.families, "family", "families"), _many(node.bases, "base")),
                    node,
                )
                for node in self._root.sides
            ]
        )

    def _by_base(self, wanted: Callable[[float], bool]) -> Lines | None:
        nodes = [node for node in self._root.bases if wanted(node.n.number or 0)]
        nodes.sort(key=lambda node: -(node.final.median.value.number or 0.0))
        return _lines(
            [
                (
                    node.name.words,
                    _group(node),
                    _join(node.country.words, f"base {_one(node.base_score)}" if node.base_score
                          else ""),
                    node,
                )
                for node in nodes
            ],
            {node.name.words: self._models.get(node.name.words, []) for node in nodes},
        )  # fmt: skip


def _lines(
    found: Sequence[tuple[str, bool | None, str, Node]],
    models: dict[str, list[Model]] | None = None,
) -> Lines | None:
    if not found:
        return None
    rows = []
    for label, chinese, note, node in found:
        known = (models or {}).get(label, [])
        drawn = {
            outcome: Drawn(
                node[outcome].median,
                node[outcome].median.value,
                [
                    (model.values[outcome], f"{model.name}: {model.values[outcome]:.2f}")
                    for model in known
                    if outcome in model.values
                ],
            )
            for outcome in OUTCOMES
        }
        rows.append((label, chinese, note, drawn))
    return table(rows, list(OUTCOMES), grouped=True)


def _models(node: Node) -> list[Model]:
    """The community's models below a node of a tree."""
    found = []
    for child in node.children:
        if child.community.yes:
            values = {
                outcome: value
                for outcome, key in _OF_MODEL.items()
                if (value := child[key].number) is not None
            }
            found.append(Model(child.model.words, values))
        found += _models(child)
    return found


def _group(node: Node) -> bool | None:
    return node.chinese.raw if isinstance(node.chinese.raw, bool) else None


def _side(node: Node) -> str:
    size = node.size.words
    name = node.name.words
    return name if not size or size == "all sizes" else f"{name}, {size}"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _many(node: Node, one: str, many: str = "") -> str:
    if node.number is None:
        return ""
    count = int(node.number)
    return f"{count} {one if count == 1 else many or one + 's'}"


def _one(node: Node) -> str:
    return "" if node.number is None else f"{node.number:.1f}"
