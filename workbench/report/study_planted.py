"""The planted matrix: which probe fired on which cause, and how often on its own and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.study_share import share_axis, share_row
from workbench.report.leaderboard_read import Node

#: What every probe is held to.
WANTED_OWN, ALLOWED_ELSEWHERE = 0.9, 0.05
#: Steps of the cells' colour: none, up to a quarter, a half, three quarters, all.
STEPS = 4


@dataclass(frozen=True)
class Cell:
    """A probe on a cause."""

    node: Node
    cause: str
    own: bool
    style: str
    words: str


@dataclass(frozen=True)
class Rate:
    """How often a probe fired over several causes."""

    node: Node
    strip: Markup | None
    met: bool | None


@dataclass(frozen=True)
class Probe:
    """A row."""

    title: str
    cells: list[Cell]
    own: Rate
    elsewhere: Rate


class PlantedView:
    """The matrix."""

    def __init__(self, root: Node) -> None:
        self.node = root.planted
        self.causes = [cause.words for cause in self.node.causes if cause.words]
        self.wanted = numbers.per_cent(WANTED_OWN)
        self.allowed = numbers.per_cent(ALLOWED_ELSEWHERE)
        self.axis = share_axis()

    def __bool__(self) -> bool:
        return bool(self.causes) and bool(self.node.rows)

    @cached_property
    def probes(self) -> list[Probe]:
        """The rows in the order of their own causes, so that hits lie on the diagonal."""

        def place(node: Node) -> int:
            own = [self.causes.index(c.words) for c in node.own if c.words in self.causes]
            return min(own, default=len(self.causes))

        return [self._probe(node) for node in sorted(self.node.rows, key=place)]

    @property
    def misses(self) -> int:
        """How many probes miss one of their goals."""
        return sum(p.own.met is False or p.elsewhere.met is False for p in self.probes)

    @property
    def undecided(self) -> bool:
        """Whether some probe could not decide of some base."""
        return any(cell.node.undecided.number for p in self.probes for cell in p.cells)

    def _probe(self, node: Node) -> Probe:
        title = node.title.words or node.name.words
        own = {cause.words for cause in node.own}
        cells = [self._cell(title, node.cells[cause], cause, cause in own) for cause in self.causes]
        return Probe(
            title,
            cells,
            _rate(node.own_rate, WANTED_OWN, f"{title} on its own cause", at_least=True),
            _rate(node.elsewhere, ALLOWED_ELSEWHERE, f"{title} elsewhere", at_least=False),
        )

    def _cell(self, title: str, node: Node, cause: str, own: bool) -> Cell:
        fired, of = node.fired.number, node.of.number
        if fired is None or not of:
            return Cell(node, cause, own, "empty", f"{title} on {cause}: not measured")
        step = min(STEPS, -int(-STEPS * fired // of))
        words = f"{title} on {cause}: fired in {fired:g} of {of:g}"
        if None not in node.ci95.ends:
            low, high = (numbers.per_cent(end) for end in node.ci95.ends)
            words += f", 95% interval {low} to {high}"
        if node.undecided.number:
            words += f"; {node.undecided.number:g} could not be told"
        return Cell(node, cause, own, f"{'hit' if own else 'alarm'}-{step}", words)


def _rate(node: Node, goal: float, words: str, *, at_least: bool) -> Rate:
    fired, of = node.fired.number, node.of.number
    if fired is None or not of:
        return Rate(node, None, None)
    value = fired / of
    words = f"{words}: {fired:g} of {of:g}"
    if None not in node.ci95.ends:
        low, high = (numbers.per_cent(end) for end in node.ci95.ends)
        words += f", 95% interval {low} to {high}"
    met = value >= goal if at_least else value <= goal
    return Rate(node, share_row(value, node.ci95.ends, goal, words, at_least=at_least), met)
