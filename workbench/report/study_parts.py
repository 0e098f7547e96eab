"""The group difference taken apart: without each family, and task by task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_rows import axis
from workbench.report.figures.study_diamond import diamond
from workbench.report.leaderboard_read import Node
from workbench.report.study_estimands import Estimand, EstimandsView, difference_scale
from workbench.report.study_numbers import said, unit_of
from workbench.report.study_sides import Sides, side_glyph

HEIGHT = 24
SCORE = unit_of("score")
#: So many rows of families stand open, the whole among them; the rest is folded.
MOST_OPEN = 13


@dataclass(frozen=True)
class Cell:
    """A difference under one estimand."""

    estimand: Estimand
    strip: Markup | None
    node: Node


@dataclass(frozen=True)
class Row:
    """A family left out, or a task."""

    label: str
    glyph: Markup | None
    cells: list[Cell]
    whole: bool = False


class PartsView:
    """Tables of differences: a row a part, the three estimands as columns, all rows first."""

    def __init__(self, root: Node, estimands: EstimandsView, sides: Sides) -> None:
        self._root = root
        self._sides = sides
        self._cards = estimands.cards
        self.most = MOST_OPEN

    @cached_property
    def influence(self) -> list[Row]:
        """The difference without each family."""
        cards = [card for card in self._cards if card.node.left_out]
        found = [{n.family.words: n for n in card.node.left_out} for card in cards]
        family_side = {
            family: next((n.group.words for n in self._root.groups.bases
                          if n.family.words == family), "")
            for family in dict.fromkeys(f for column in found for f in column)
        }  # fmt: skip
        rows = [
            (f"without {family}", side_glyph(self._sides, group), family)
            for family, group in family_side.items()
        ]
        rows.sort(key=lambda row: -_moved(cards, found, row[2]))
        return self._rows(cards, found, rows)

    @cached_property
    def tasks(self) -> list[Row]:
        """The difference on each task."""
        cards = [card for card in self._cards if len(card.node.tasks) > 1]
        found = [dict(card.node.tasks.pairs()) for card in cards]
        names = dict.fromkeys(task for column in found for task in column)
        return self._rows(cards, found, [(task, None, task) for task in names])

    @cached_property
    def interaction(self) -> list[tuple[str, Node, Markup]]:
        """How far the difference in gain on each task is from its mean over tasks."""
        found = [
            (task, node)
            for task, node in self._root.interaction.tasks.pairs()
            if node.value.number is not None
        ]
        scale = difference_scale([node for _, node in found])
        rows = []
        for task, node in found:
            words = f"Difference in gain on {task}, against the mean of all tasks: "
            strip = diamond(
                SCORE.shown(node.value.number),
                SCORE.ends(node.ci95.ends),
                scale,
                words + said(node.value, node.ci95, SCORE),
                style="part",
                height=HEIGHT,
            )
            rows.append((task, node, strip))
        return rows

    def _rows(
        self,
        cards: Sequence[Estimand],
        found: Sequence[dict[str, Node]],
        rows: Sequence[tuple[str, Markup | None, str]],
    ) -> list[Row]:
        if not rows:
            return []
        scales = {card.name: _scale(card, column.values())
                  for card, column in zip(cards, found, strict=True)}  # fmt: skip
        whole = [self._cell(card, scales[card.name], card.node, "all", "whole") for card in cards]
        drawn = [Row("all", None, whole, whole=True)]
        for label, glyph, key in rows:
            if all(column.get(key, Node(None)).value.number is None for column in found):
                continue
            cells = [
                self._cell(card, scales[card.name], column.get(key, Node(None)), label, "part")
                for card, column in zip(cards, found, strict=True)
            ]
            drawn.append(Row(label, glyph, cells))
        return drawn if len(drawn) > 1 else []

    def heads(self, rows: Sequence[Row]) -> list[tuple[Estimand, Markup]]:
        """Each column's estimand and axis."""
        return [
            (
                cell.estimand,
                axis(_scale(cell.estimand, (r.cells[i].node for r in rows)))
                if any(r.cells[i].strip for r in rows)
                else Markup(""),
            )
            for i, cell in enumerate(rows[0].cells)
        ]

    def _cell(self, card: Estimand, scale: Scale, node: Node, label: str, style: str) -> Cell:
        value = card.unit.shown(node.value.number)
        if value is None:
            return Cell(card, None, node)
        words = (
            f"{card.title}, {self._sides.asked} minus {self._sides.others}, {label}: "
            f"{said(node.value, node.ci95, card.unit)}"
        )
        strip = diamond(
            value,
            card.unit.ends(node.ci95.ends),
            scale,
            words,
            margin=card.unit.shown(card.node.margin.number),
            style=style,
            height=HEIGHT,
        )
        return Cell(card, strip, node)


def _moved(cards: Sequence[Estimand], found: Sequence[dict[str, Node]], family: str) -> float:
    """The most that a difference moves without ``family``, in widths of its interval."""
    most = 0.0
    for card, column in zip(cards, found, strict=True):
        whole, without = card.node.value.number, column.get(family, Node(None)).value.number
        low, high = card.node.ci95.ends
        if whole is not None and without is not None and low is not None and high is not None:
            most = max(most, abs(without - whole) / ((high - low) or 1.0))
    return most


def _scale(card: Estimand, nodes: Iterable[Node]) -> Scale:
    """Zero and all the differences of a column, the whole one among them."""
    every = [card.node, *nodes]
    values = finite(card.unit.shown(x) for n in every for x in (n.value.number, *n.ci95.ends))
    return nice(min(0.0, *values), max(0.0, *values), 3) if values else nice(0, 1)
