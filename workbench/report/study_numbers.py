"""How a study's figures are written: scores and shares in hundredths, the rest as it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.report import numbers
from workbench.report.leaderboard_read import Ends, Node


@dataclass(frozen=True)
class Unit:
    """A unit of ``results["study"]``: shown times ``factor``, with ``decimals`` (none: as needed).

    ``word`` follows a figure, ``sign`` stands right behind it.
    """

    name: str
    factor: float = 1.0
    decimals: int | None = None
    word: str = ""
    mark: str = ""

    def shown(self, raw: float | None) -> float | None:
        """A value of the file in the unit that is drawn."""
        return None if raw is None else raw * self.factor

    def ends(self, ends: Ends) -> Ends:
        """Both ends of an interval in the unit that is drawn."""
        return self.shown(ends[0]), self.shown(ends[1])

    def write(self, raw: object, *, sign: bool = True) -> str:
        """A value of the file as text, without the unit's word."""
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            return numbers.NONE
        if self.decimals is None:
            return numbers.signed(raw) if sign else numbers.score(raw)
        text = numbers.points(raw * self.factor, sign=sign, decimals=self.decimals)
        return text + self.mark

    def interval(self, ends: Ends, *, sign: bool = True) -> str:
        """``−2.0 to +7.2``, or a dash."""
        if None in ends:
            return numbers.NONE
        return f"{self.write(ends[0], sign=sign)} to {self.write(ends[1], sign=sign)}"


_UNITS = {
    "score": Unit("score", 100.0, 1, "points"),
    "points": Unit("points", 1.0, 1, "points"),
    "share": Unit("share", 100.0, 1, "", "%"),
    "logit": Unit("logit", 1.0, 2, "log-odds"),
    "": Unit(""),
}


def unit_of(name: str) -> Unit:
    """The unit of that name; one that is not known here is written after the figure."""
    return _UNITS.get(name) or Unit(name, word=name)


def quantity(raw: object, unit: Unit, sign: bool = True) -> str:
    """:meth:`Unit.write` as the templates call it."""
    return unit.write(raw, sign=sign)


def said(value: Node, ci95: Node, unit: Unit, *, sign: bool = True) -> str:
    """A value with its interval, for those who cannot see the figure."""
    words = f"{unit.write(value.raw, sign=sign)} {unit.word}".strip()
    if None in ci95.ends:
        return words
    return f"{words}, 95% interval {unit.interval(ci95.ends, sign=sign)}"
