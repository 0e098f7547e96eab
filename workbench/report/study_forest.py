"""The forest plot: a row a base by side and family, a column an estimand, the sides at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_rows import axis, row
from workbench.report.leaderboard_read import Node
from workbench.report.study_estimands import Estimand, EstimandsView
from workbench.report.study_numbers import said
from workbench.report.study_sides import Sides, side_glyph

HEIGHT = 24
#: An interval may stretch a scale by so many times the spread of the values; then it is cut.
MOST_STRETCH = 1.0


@dataclass(frozen=True)
class Cell:
    """A base under one estimand: its strip and the places of its figures."""

    estimand: Estimand
    strip: Markup | None
    value: Node
    ci95: Node


@dataclass(frozen=True)
class Row:
    """A base: ``family`` only where it is the first of its family."""

    base: str
    family: str
    glyph: Markup
    cells: list[Cell]
    tags: list[str]
    n: Node
    seeds: Node


@dataclass(frozen=True)
class Group:
    """A side of the study."""

    name: str
    size: str
    glyph: Markup
    rows: list[Row]


class ForestView:
    """Bases as rows, the three estimands as columns."""

    def __init__(self, root: Node, estimands: EstimandsView, sides: Sides) -> None:
        self._root = root
        self._sides = sides
        self.columns = [card for card in estimands.cards if card.node.bases]
        self._scales = [base_scale(card) for card in self.columns]
        self.folded = [card for card in estimands.beside if card.node.bases]

    @property
    def heads(self) -> list[tuple[Estimand, Markup]]:
        """Each column's estimand and the axis of its bases."""
        return [
            (card, axis(scale, sign=card.signed))
            for card, scale in zip(self.columns, self._scales, strict=True)
        ]

    @cached_property
    def groups(self) -> list[Group]:
        """The sides, the one asked about first; within each, families by their best base."""
        places = _places(self.columns)
        told: dict[str, list[str]] = {}
        for base, nodes in places.items():
            group = next(node.group.words for node in nodes if node)
            told.setdefault(group, []).append(base)
        order = [name for name, _ in self._sides.both]
        names = sorted(told, key=lambda g: (order.index(g) if g in order else len(order), g))
        return [self._group(name, told[name], places) for name in names]

    def _group(self, name: str, bases: list[str], places: dict[str, list[Node]]) -> Group:
        def first(base: str) -> float:
            return next((n.value.number for n in places[base] if n.value.number is not None), 0.0)

        def family(base: str) -> str:
            return next((n.family.words for n in places[base] if n.family), "")

        best: dict[str, float] = {}
        for base in bases:
            best[family(base)] = max(best.get(family(base), first(base)), first(base))
        bases = sorted(bases, key=lambda b: (-best[family(b)], family(b), -first(b), b))
        rows, before = [], None
        for base in bases:
            rows.append(self._row(base, family(base) if family(base) != before else "",
                                  name, places[base]))  # fmt: skip
            before = family(base)
        return Group(name, self._sides.size(name), side_glyph(self._sides, name), rows)

    def _row(self, base: str, family: str, group: str, nodes: list[Node]) -> Row:
        cells = [
            _cell(card, scale, node, base, self._sides.is_asked(group), group)
            for card, scale, node in zip(self.columns, self._scales, nodes, strict=True)
        ]
        known = next(node for node in nodes if node)
        glyph = side_glyph(self._sides, group)
        return Row(base, family, glyph, cells, self._tags(base), known.n, known.seeds)

    def _tags(self, base: str) -> list[str]:
        tags = []
        if any(node.base.words == base for node in self._root.collapsed):
            tags.append("collapsed")
        if any(node.base.words == base for node in self._root.holes):
            tags.append("hole")
        return tags

    @property
    def with_families(self) -> bool:
        """Whether families say more than the bases' names do."""
        return any(row.family not in ("", row.base) for g in self.groups for row in g.rows)

    @cached_property
    def figures(self) -> list[tuple[str, str, list[tuple[Estimand, Node]]]]:
        """All values of all estimands: base, group, and a node an estimand."""
        cards = [*self.columns, *self.folded]
        order = [r.base for group in self.groups for r in group.rows]
        places = _places(cards)
        rows = []
        for base in sorted(places, key=lambda b: order.index(b) if b in order else len(order)):
            group = next(node.group.words for node in places[base] if node)
            rows.append((base, group, list(zip(cards, places[base], strict=True))))
        return rows


def _places(cards: Sequence[Estimand]) -> dict[str, list[Node]]:
    """Each base's node under every estimand; an empty one where it has none."""
    found = [{node.base.words: node for node in card.node.bases} for card in cards]
    bases = dict.fromkeys(base for column in found for base in column)
    return {base: [column.get(base, Node(None)) for column in found] for base in bases}


def base_scale(card: Estimand) -> Scale:
    """A column's scale: all values in it, and intervals unless they would flatten everything."""
    nodes = list(card.node.bases)
    values = finite(card.unit.shown(node.value.number) for node in nodes)
    if not values:
        return nice(0, 1)
    ends = finite(end for node in nodes for end in card.unit.ends(node.ci95.ends))
    spread = max(values) - min(values)
    room = MOST_STRETCH * (spread or abs(values[0]) or 1.0)
    low = max(min([*values, *ends]), min(values) - room)
    high = min(max([*values, *ends]), max(values) + room)
    if not card.signed and min(values) >= 0:
        low = max(0.0, low)
    if card.signed:
        low, high = min(0.0, low), max(0.0, high)
    return nice(low, high, 3)


def _cell(
    card: Estimand, scale: Scale, node: Node, base: str, asked: bool | None, group: str
) -> Cell:
    value = card.unit.shown(node.value.number)
    if value is None:
        return Cell(card, None, node.value, node.ci95)
    words = (
        f"{base} ({group}), {card.title.lower()}: "
        f"{said(node.value, node.ci95, card.unit, sign=card.signed)}"
    )
    ends = card.unit.ends(node.ci95.ends)
    strip = row(value, ends, scale, words, chinese=asked, height=HEIGHT)
    return Cell(card, strip, node.value, node.ci95)
