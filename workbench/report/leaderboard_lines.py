"""Tables of strips: a line a group or a step, a column an outcome, the numbers under each strip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_marks import group_word
from workbench.report.figures.leaderboard_rows import axis, row
from workbench.report.leaderboard_read import Node

#: The outcomes in the order in which they are told, with the words for them.
OUTCOMES = {
    "final": "Final score",
    "gain_base": "Gain over base",
    "gain_instruct": "Gain over instruct",
    "headroom": "Gain in % of headroom",
}
#: Outcomes that are differences: their scales lie around zero and their values bear a sign.
SIGNED = frozenset({"gain_base", "gain_instruct", "headroom"})
STRIP = 26


@dataclass(frozen=True)
class Cell:
    """One value of a line: its strip and the places of its figures; empty where none is known."""

    title: str
    strip: Markup | None
    value: Node
    ci95: Node
    n: Node
    sign: bool = True


@dataclass(frozen=True)
class Line:
    """One line: its label, whether the group is Chinese (``None``: no group), a remark."""

    label: str
    cells: list[Cell]
    chinese: bool | None = None
    grouped: bool = False
    note: str = ""


@dataclass(frozen=True)
class Lines:
    """A table of strips: columns with title and axis, and its lines."""

    columns: list[tuple[str, Markup]]
    lines: list[Line]


@dataclass(frozen=True)
class Drawn:
    """What a cell is drawn from: the place of the value, the dots behind it, its own style."""

    found: Node
    value: Node
    dots: Sequence[tuple[float, str]] = ()
    style: str = ""

    @property
    def drawable(self) -> list[float]:
        """All that must fit on the scale."""
        return finite([self.value.number, *self.found.ci95.ends, *(dot for dot, _ in self.dots)])


def scale_of(cells: Iterable[Drawn], *, signed: bool) -> Scale:
    """One scale for a whole column, zero within it for differences."""
    values = [value for cell in cells for value in cell.drawable]
    if not values:
        return nice(0, 1)
    if not signed:
        return nice(min(values), max(values), 3)
    return nice(min(0.0, *values), max(0.0, *values), 3)


def cell(
    title: str,
    drawn: Drawn,
    scale: Scale,
    label: str,
    *,
    chinese: bool | None = None,
    sign: bool = True,
) -> Cell:
    """The strip of a value and the places of its figures."""
    found = drawn.found
    value = drawn.value.number
    if value is None:
        return Cell(title, None, drawn.value, found.ci95, found.n, sign)
    low, high = (numbers.points(end, sign=sign) for end in found.ci95.ends)
    group = f", {group_word(chinese)}" if not drawn.style else ""
    words = (
        f"{label}{group}, {title.lower()}: {numbers.points(value, sign=sign)}, 95% interval "
        f"{low} to {high}, n = {numbers.count(found.n.raw)}"
    )
    strip = row(
        value, found.ci95.ends, scale, words,
        chinese=chinese, style=drawn.style, dots=drawn.dots, height=STRIP,
    )  # fmt: skip
    return Cell(title, strip, drawn.value, found.ci95, found.n, sign)


def table(
    rows: Sequence[tuple[str, bool | None, str, dict[str, Drawn]]],
    outcomes: Sequence[str],
    *,
    grouped: bool,
    together: bool = False,
    signed: Callable[[str], bool] = SIGNED.__contains__,
) -> Lines:
    """A table of ``(label, chinese, note, {outcome: what is drawn})``.

    ``together``: all columns on one scale.
    """
    found = {outcome: [drawn[outcome] for _, _, _, drawn in rows] for outcome in outcomes}
    every = [drawn for column in found.values() for drawn in column]
    scales = {
        outcome: scale_of(every if together else column, signed=signed(outcome))
        for outcome, column in found.items()
    }
    lines = []
    for label, chinese, note, drawn in rows:
        cells = [
            cell(
                OUTCOMES.get(outcome, outcome), drawn[outcome], scales[outcome], label,
                chinese=chinese, sign=signed(outcome),
            )
            for outcome in outcomes
        ]  # fmt: skip
        lines.append(Line(label, cells, chinese, grouped, note))
    columns = [
        (OUTCOMES.get(outcome, outcome), axis(scales[outcome], sign=signed(outcome)))
        for outcome in outcomes
    ]
    return Lines(columns, lines)
