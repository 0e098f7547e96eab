"""Scales: from values to fractions of a figure's width, with round numbers at the ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: Room on both sides, so that a mark at the end of the scale is not cut.
MARGIN = 0.03


#: Below this, two values are one: rounding of floats must not stretch over the page.
TINY = 1e-9


@dataclass(frozen=True)
class Scale:
    """A linear scale from ``low`` to ``high``; ``ticks`` lie within."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where ``value`` lies, 0 to 1; what is outside is drawn at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return MARGIN + (1 - 2 * MARGIN) * min(1.0, max(0.0, share))


def finite(values: Iterable[float | None]) -> list[float]:
    """The values that can be drawn."""
    return [v for v in values if v is not None and math.isfinite(v)]


def _step(span: float, wanted: int) -> float:
    """The round step (1, 2, 2.5 or 5 times a power of ten) nearest above ``span / wanted``."""
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    return next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999), 10 * power)


def nice(low: float, high: float, wanted: int = 4) -> Scale:
    """A scale around ``low`` to ``high`` that starts and ends on round numbers."""
    if high - low < max(TINY, TINY * max(abs(low), abs(high))):
        pad = abs(low) * 0.1 if abs(low) > TINY else 0.5
        low, high = low - pad, high + pad
    step = _step(high - low, wanted)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def score_scale(values: Iterable[float | None]) -> Scale:
    """0 to 1 where every score is a share, so that a small gain looks small; else a round range."""
    drawn = finite(values)
    if all(0 <= v <= 1 for v in drawn):
        return Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
    return nice(min(drawn), max(drawn))


def change_scale(values: Iterable[float | None]) -> Scale:
    """Symmetric around zero."""
    reach = max((abs(v) for v in finite(values)), default=0.0)
    reach = reach if reach > TINY else 0.1
    step = _step(reach, 3)
    steps = math.ceil(reach / step - 1e-9)
    ticks = tuple(round(i * step, 12) for i in range(-steps, steps + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def tick_text(value: float, *, sign: bool = False) -> str:
    """A tick without trailing zeros and with a real minus."""
    text = f"{value:+g}" if sign and value else f"{value:g}"
    return text.replace("-", "−")
