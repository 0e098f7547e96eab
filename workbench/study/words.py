"""How a study's figures are said in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

MINUS = "−"


def points(score: float, *, sign: bool = False) -> str:
    """A score or a difference of scores (shares of 1) in points: ``7.3``, or ``+7.3``."""
    text = f"{100 * score:{'+' if sign else ''}.1f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", MINUS)


def between(ci: Sequence[float] | None, *, what: str = "95% interval") -> str:
    """``95% interval −2.0 to +7.2``, in points."""
    if ci is None:
        return "no interval"
    return f"{what} {points(ci[0], sign=True)} to {points(ci[1], sign=True)}"


def figure(value: float, *, sign: bool = False) -> str:
    """A statistic of whatever unit with three significant digits."""
    text = f"{0 if abs(value) < 1e-9 else value:{'+' if sign else ''}.3g}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", MINUS)


def p_value(p: float) -> str:
    """``p = 0.031``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 base``, ``4 families``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def moreless(value: float, more: str, less: str) -> str:
    """The word for the side of zero on which ``value`` lies, and its size: ``7.3 points more``."""
    return f"{points(abs(value))} points {more if value >= 0 else less}"
