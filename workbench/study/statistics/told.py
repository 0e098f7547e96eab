"""A group difference in one sentence, with the figures that its verdict rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.study.words import MINUS, figure, p_value, points

if TYPE_CHECKING:
    from workbench.study.statistics.estimand import Estimand


def told(one: Estimand, sides: tuple[str, str], margin: float, alpha: float) -> str:
    """The sentence; ``sides`` are the group asked about and the other."""
    if one.value is None:
        return f"Not estimated: {one.missing}."
    asked, others = sides
    differ = f"{asked} {MINUS} {others}: {_said(one, one.value)}"
    if one.ci95 is None:
        return f"{differ}, without an interval: {one.missing}."
    low, high = (_number(one, end) for end in one.ci95)
    assert one.p is not None
    assert one.p_permutation is not None
    figures = (
        f"{differ} (95% interval {low} to {high}; {p_value(one.p)}, groups dealt anew to families "
        f"{p_value(one.p_permutation)})"
    )
    return f"{figures}: {_why(one, margin, alpha)}.{_collapsed(one)}"


def _number(one: Estimand, value: float) -> str:
    return figure(value, sign=True) if one.unit == "logit" else points(value, sign=True)


def _said(one: Estimand, value: float) -> str:
    units = {"score": " points", "share": "% of the headroom", "logit": " in log odds"}
    return f"{_number(one, value)}{units[one.unit]}"


def _why(one: Estimand, margin: float, alpha: float) -> str:
    if one.verdict == "equivalent":
        return f"equivalent, the 90% interval lies within ±{points(margin)} points"
    if one.verdict != "cannot tell":
        return one.verdict
    if one.least_p is not None and one.least_p > alpha:
        return (
            f"cannot tell, so few families allow no p below {one.least_p:.3f} when groups are "
            "dealt anew"
        )
    assert one.ci95 is not None
    if one.ci95[0] > 0 or one.ci95[1] < 0:
        return "cannot tell, groups dealt anew to families differ as much too often"
    return "cannot tell"


def _collapsed(one: Estimand) -> str:
    if not one.collapsed:
        return ""
    rows = f"{one.collapsed} row{'s' if one.collapsed > 1 else ''} of collapsed runs left out"
    if one.with_collapsed is None:
        return f" {rows}."
    return f" {rows}; with them {_said(one, one.with_collapsed)}."
