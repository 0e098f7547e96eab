"""The best of n at equal n, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.report.figures.leaderboard_best_of import Base, best_of
from workbench.report.leaderboard_lines import OUTCOMES
from workbench.report.leaderboard_read import Node

#: More bases than this in one figure cannot be told apart; those with the most entries are drawn.
MOST_CURVES = 12


@dataclass(frozen=True)
class Curves:
    """The curves of one outcome, and the bases they are of."""

    title: str
    figure: Markup
    bases: list[Node]
    drawn: int
    signed: bool


class SelectionView:
    """Curves a base and the sides compared at equal n."""

    def __init__(self, selection: Node) -> None:
        self.node = selection
        self.panels = [
            panel
            for outcome in OUTCOMES
            if (panel := _panel(outcome, list(selection.bases[outcome]))) is not None
        ]
        self.sides = [
            (OUTCOMES.get(outcome, outcome), node)
            for outcome, nodes in selection.sides.pairs()
            for node in nodes
            if node.best_of_equal
        ]


def _panel(outcome: str, nodes: list[Node]) -> Curves | None:
    most = sorted(nodes, key=lambda node: -(node.n.number or 0))[:MOST_CURVES]
    drawn = [node for node in nodes if node in most]
    title = OUTCOMES.get(outcome, outcome)
    figure = best_of(
        [
            Base(
                node.name.words.rpartition("/")[2],
                node.chinese.raw if isinstance(node.chinese.raw, bool) else None,
                [
                    (point.m.number, point.value.number)
                    for point in node.curve
                    if point.m.number is not None and point.value.number is not None
                ],
            )
            for node in drawn
        ],
        f"{title}: expected best of n entries of a base, {len(drawn)} bases",
        signed=outcome != "final",
    )
    return None if figure is None else Curves(title, figure, nodes, len(drawn), outcome != "final")
