"""The estimands of a study: which three stand side by side, and their verdicts as cards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_rows import axis
from workbench.report.figures.study_diamond import diamond
from workbench.report.leaderboard_read import Node
from workbench.report.study_numbers import Unit, said, unit_of
from workbench.report.study_sides import Sides

#: The order in which estimands are told, and which of them come first where more are main.
ORDER = (
    "final",
    "gain",
    "gain_at_start",
    "gain_at_compute",
    "final_at_compute",
    "headroom_gain",
    "logit_gain",
)
MOST_CARDS = 3
#: Titles for where there is little room.
SHORT = {
    "final": "Final",
    "gain_at_start": "Gain, equal start",
    "gain_at_compute": "Gain, equal compute",
    "final_at_compute": "Final, equal compute",
}
#: Outcomes of a base that are no differences.
UNSIGNED = frozenset({"final", "final_at_compute"})
#: The verdict's word on the page, and its style.
VERDICTS = {
    "higher": ("Higher", "supported"),
    "lower": ("Lower", "contradicted"),
    "equivalent": ("Equivalent", "equivalent"),
    "cannot tell": ("Cannot tell", "not-shown"),
}


@dataclass(frozen=True)
class Estimand:
    """One estimand: its place in the file, the verdict's word and style, the diamond."""

    node: Node
    title: str
    unit: Unit
    word: str
    style: str
    figure: Markup | None

    @property
    def name(self) -> str:
        """As in the file."""
        return self.node.name.words

    @property
    def short(self) -> str:
        """The title for where there is little room."""
        return SHORT.get(self.name, self.title)

    @property
    def signed(self) -> bool:
        """Whether a base's own value is a difference."""
        return self.name not in UNSIGNED


class EstimandsView:
    """All the estimands."""

    def __init__(self, root: Node, sides: Sides) -> None:
        nodes = [node for node in root.estimands if node.name.words]
        nodes.sort(key=lambda node: _place(node.name.words))
        self._sides = sides
        self._nodes = nodes
        names = [node.name.words for node in nodes if node.main.yes] or [
            n.name.words for n in nodes
        ]
        self._first = set(names[:MOST_CARDS])
        self._scales: dict[str, Scale] = {}
        for unit in {node.unit.words for node in nodes}:
            for first in (True, False):
                alike = [n for n in nodes if n.unit.words == unit and self._is_first(n) == first]
                if alike:
                    self._scales[f"{unit}/{first}"] = difference_scale(alike)

    def _is_first(self, node: Node) -> bool:
        return node.name.words in self._first

    def _scale(self, node: Node) -> Scale:
        return self._scales[f"{node.unit.words}/{self._is_first(node)}"]

    @cached_property
    def cards(self) -> list[Estimand]:
        """The three that are told first."""
        return [self._estimand(node) for node in self._nodes if self._is_first(node)]

    @cached_property
    def beside(self) -> list[Estimand]:
        """The others."""
        return [self._estimand(node, 26) for node in self._nodes if not self._is_first(node)]

    @property
    def every(self) -> list[Estimand]:
        """All of them, in their order."""
        return [*self.cards, *self.beside]

    def axis(self, estimand: Estimand) -> Markup:
        """The axis of the estimand's diamond."""
        return axis(self._scale(estimand.node))

    def _estimand(self, node: Node, height: int = 34) -> Estimand:
        word, style = VERDICTS.get(node.verdict.words, (node.verdict.words.capitalize(), ""))
        unit = unit_of(node.unit.words)
        title = node.title.words or node.name.words
        figure = None
        if node.value.number is not None:
            words = (
                f"{title}, {self._sides.asked} minus {self._sides.others}: "
                f"{said(node.value, node.ci95, unit)}"
            )
            figure = diamond(
                unit.shown(node.value.number),
                unit.ends(node.ci95.ends),
                self._scale(node),
                words,
                margin=unit.shown(node.margin.number),
                style=style,
                height=height,
            )
        elif not word:
            word, style = "Not known", "not-shown"
        return Estimand(node, title, unit, word, style or "not-shown", figure)


def difference_scale(nodes: list[Node]) -> Scale:
    """One scale around zero for differences between the groups, their margins within it."""
    reach = []
    for node in nodes:
        unit = unit_of(node.unit.words or "score")
        margin = unit.shown(node.margin.number)
        reach += [*unit.ends(node.ci95.ends), unit.shown(node.value.number)]
        reach += [1.25 * margin] if margin is not None else []
    most = 1.05 * (max((abs(value) for value in finite(reach)), default=0.0) or 1.0)
    # The ends need no tick: a wide figure of a narrow range helps more than round ends.
    ticks = tuple(tick for tick in nice(-most, most, 4).ticks if abs(tick) <= most)
    return Scale(-most, most, ticks)


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)
