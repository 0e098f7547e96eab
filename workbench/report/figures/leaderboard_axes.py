"""Axes that are no plain scale of values: counts that double, and days."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from workbench.report.figures.axis import MARGIN, Scale, tick_text

#: More labels than this run into each other on a narrow screen.
MOST_LABELS = 7
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Axis:
    """Where a value lies, 0 to 1, and the ticks: their places, labels, and whether one is zero."""

    at: Callable[[float], float]
    ticks: tuple[tuple[float, str, bool], ...]


def linear(scale: Scale, *, sign: bool = False) -> Axis:
    """An axis of a scale."""
    return Axis(
        scale.at,
        tuple((scale.at(t), tick_text(t, sign=sign), sign and t == 0) for t in scale.ticks),
    )


def logarithmic(low: float, high: float) -> Axis:
    """From ``low`` to ``high``, both above 0, with ticks at 1, 2 and 5 times the powers of ten."""
    if not 0 < low <= high:
        raise ValueError(f"no logarithmic axis from {low} to {high}")
    span = math.log(high / low) or 1.0

    def at(value: float) -> float:
        share = math.log(max(value, low) / low) / span
        return MARGIN + (1 - 2 * MARGIN) * min(1.0, share)

    first = math.floor(math.log10(low))
    round_numbers = [
        m * 10.0**p for p in range(first, math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)
    ]
    within = [n for n in round_numbers if low * 0.999 <= n <= high * 1.001]
    if len(within) > MOST_LABELS:
        within = [n for n in within if f"{n:e}"[0] == "1"]
    return Axis(at, tuple((at(n), tick_text(n), False) for n in within))


def days(first: date, last: date) -> Axis:
    """Days (as ordinals) with ticks at beginnings of months, quarters, half-years or years."""
    start, end = first.toordinal(), max(last.toordinal(), first.toordinal() + 1)

    def at(value: float) -> float:
        share = (value - start) / (end - start)
        return MARGIN + (1 - 2 * MARGIN) * min(1.0, max(0.0, share))

    for step in (1, 2, 3, 6, 12, 24, 60):
        found = _beginnings(first, last, step)
        if len(found) <= MOST_LABELS:
            break
    return Axis(at, tuple((at(day.toordinal()), _label(day, step), False) for day in found))


def _beginnings(first: date, last: date, step: int) -> list[date]:
    found = []
    for number in range(first.year * 12, last.year * 12 + 12, step):
        day = date(number // 12, number % 12 + 1, 1)
        if first <= day <= last:
            found.append(day)
    return found


def _label(day: date, step: int) -> str:
    if step >= 12:
        return str(day.year)
    return f"{_MONTHS[day.month - 1]} {day.year % 100:02d}"
