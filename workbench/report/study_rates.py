"""The learning-rate sweep: a panel a base, and the reversals that one fixed rate makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_marks import group_class
from workbench.report.figures.study_rates import rate_panel, rate_text
from workbench.report.leaderboard_read import Node
from workbench.report.study_numbers import unit_of
from workbench.report.study_sides import Sides, side_glyph

UNIT = unit_of("score")
#: So many reversals are named.
MOST_NAMED = 6


@dataclass(frozen=True)
class Panel:
    """One base, with its points at its best rate and at the fixed one."""

    base: str
    glyph: Markup
    figure: Markup
    best: str
    at_best: float | None
    at_fixed: float | None

    @property
    def lost(self) -> float | None:
        """The points between the two."""
        if self.at_best is None or self.at_fixed is None:
            return None
        return self.at_best - self.at_fixed


class RatesView:
    """The sweep."""

    def __init__(self, root: Node, sides: Sides) -> None:
        self.node = root.rates
        self._sides = sides
        self._tried = finite(rate.number for rate in self.node.tried)

    def __bool__(self) -> bool:
        return len(self._tried) > 1 and bool(self.panels)

    @property
    def fixed(self) -> str:
        """The rate that all bases share."""
        rate = self.node.fixed.number
        return "" if rate is None else rate_text(rate)

    @cached_property
    def scale(self) -> Scale:
        """One scale for all panels."""
        values = finite(
            UNIT.shown(score.number)
            for _, base in self.node.bases.pairs()
            for _, score in base.scores.pairs()
        )
        return nice(min(values), max(values), 4) if values else nice(0, 1)

    @property
    def ends(self) -> tuple[str, str]:
        """The lower and the upper edge of the panels."""
        return numbers.points(self.scale.low, decimals=0), numbers.points(
            self.scale.high, decimals=0
        )

    @property
    def span(self) -> tuple[str, str]:
        """The lowest and the highest rate."""
        return rate_text(min(self._tried)), rate_text(max(self._tried))

    @cached_property
    def panels(self) -> list[Panel]:
        """The bases, those first that lose most by the fixed rate."""
        found = [self._panel(name, node) for name, node in self.node.bases.pairs()]
        panels = [panel for panel in found if panel is not None]
        return sorted(panels, key=lambda panel: (-(panel.lost or 0.0), panel.base))

    def _panel(self, base: str, node: Node) -> Panel | None:
        scores = []
        for rate, score in node.scores.pairs():
            known, points = _rate(rate), UNIT.shown(score.number)
            if known is not None and points is not None:
                scores.append((known, points))
        if not scores:
            return None
        best = node.best.number
        fixed = node.fixed.number if node.fixed.number is not None else self.node.fixed.number
        asked = self._sides.of(base)
        figure = rate_panel(
            base, scores, self.scale, self._tried,
            best=best, fixed=fixed, style=group_class(asked),
        )  # fmt: skip
        at_best, at_fixed = _at(scores, best), _at(scores, fixed)
        group = {True: self._sides.asked, False: self._sides.others, None: ""}[asked]
        glyph = side_glyph(self._sides, group)
        return Panel(
            base, glyph, figure, "" if best is None else rate_text(best), at_best, at_fixed
        )

    @property
    def reversals(self) -> list[str]:
        """What the fixed rate turned round, in sentences."""
        node = self.node.reversals
        words = node["words"] if node["words"] else node
        if words.words:
            return [words.words]
        return [line.words for line in words if line.words] or self._counted

    @property
    def _counted(self) -> list[str]:
        """The pairs of bases whose order at the shared rate is not that at each one's best."""
        known = [p for p in self.panels if p.at_best is not None and p.at_fixed is not None]
        pairs = list(combinations(known, 2))
        turned = [
            (one, other) if one.at_fixed < other.at_fixed else (other, one)  # type: ignore[operator]
            for one, other in pairs
            if (one.at_fixed - other.at_fixed) * (one.at_best - other.at_best) < 0  # type: ignore[operator]
        ]
        if not pairs:
            return []
        words = f"{len(turned)} of {numbers.plural(len(pairs), 'pair')} of bases "
        words += "changes order" if len(turned) == 1 else "change order"
        words += " when each is trained at its own best rate rather than at the shared one."
        named = "; ".join(
            f"{one.base} overtakes {other.base}" for one, other in turned[:MOST_NAMED]
        )
        if not named:
            return [words]
        rest = len(turned) - MOST_NAMED
        return [words, f"{named}{f'; and {rest} more' if rest > 0 else ''}."]


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def _at(scores: list[tuple[float, float]], rate: float | None) -> float | None:
    if rate is None:
        return None
    return next((points for known, points in scores if math.isclose(known, rate)), None)
