"""Lord's paradox with the study's own bases: where they start, what they gain, where they end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.study_slopes import Slope, slopes
from workbench.report.figures.study_starts import Start, starts
from workbench.report.leaderboard_read import Node
from workbench.report.study_numbers import unit_of
from workbench.report.study_sides import Sides

UNIT = unit_of("score")


@dataclass(frozen=True)
class _Base:
    name: str
    asked: bool | None
    before: float
    gain: float


class ParadoxView:
    """Two figures and the sentences."""

    def __init__(self, root: Node, sides: Sides) -> None:
        self.node = root.paradox
        self._root = root
        self._sides = sides

    def __bool__(self) -> bool:
        return bool(self.node) and bool(self.node["words"] or self.sides or self._bases)

    @cached_property
    def _bases(self) -> list[_Base]:
        """Each base's start and gain in points: what it ends at, less what it gained."""
        columns = {
            node.name.words: {n.base.words: n.value.number for n in node.bases}
            for node in self._root.estimands
        }
        final, gain = columns.get("final", {}), columns.get("gain", {})
        found = []
        for name, end in final.items():
            more = gain.get(name)
            if end is not None and more is not None:
                found.append(
                    _Base(name, self._sides.of(name), UNIT.factor * (end - more),
                          UNIT.factor * more)
                )  # fmt: skip
        return found

    @cached_property
    def slopes(self) -> Markup | None:
        """Before and after."""
        lines = [Slope(b.name, b.asked, b.before, b.before + b.gain) for b in self._bases]
        said = []
        for name, asked in self._sides.both:
            side = self.node.sides[name]
            before, after = UNIT.shown(side.before.number), UNIT.shown(side.after.number)
            if before is not None and after is not None:
                lines.append(Slope(name, asked, before, after, mean=True))
                said.append(f"{name} from {numbers.points(before)} to {numbers.points(after)}")
        return slopes(lines, "Score before and after by base; means: " + "; ".join(said))

    @cached_property
    def starts(self) -> Markup | None:
        """Gain against the start."""
        drawn = [Start(b.name, b.asked, b.before, b.gain) for b in self._bases]
        names = {asked: name for name, asked in self._sides.both}
        return starts(drawn, names, "Gain against the score before, a line a side")

    @property
    def sides(self) -> list[tuple[str, Node]]:
        """Each side's means."""
        found = [(name, self.node.sides[name]) for name, _ in self._sides.both]
        return [(name, node) for name, node in found if node.gain.number is not None]
