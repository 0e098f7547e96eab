"""A share with its interval between none and all, and the goal that it is held to."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report.figures.axis import Scale
from workbench.report.figures.leaderboard_rows import whisker
from workbench.report.figures.svg import percent, tag
from workbench.report.leaderboard_read import Ends

HEIGHT = 26
SCALE = Scale(0.0, 1.0, (0.0, 0.5, 1.0))


def share_row(
    value: float | None, ci95: Ends, goal: float, words: str, *, at_least: bool
) -> Markup:
    """The share as a disc, hollow where it misses its goal; the band is where the goal is met."""
    edge = SCALE.at(goal)
    left, right = (edge, SCALE.at(1.0)) if at_least else (SCALE.at(0.0), edge)
    parts = [
        tag("title", words),
        tag("rect", x=percent(left), y=2, width=percent(right - left), height=HEIGHT - 4,
            class_="goal-band"),
        *(
            tag("line", x1=percent(SCALE.at(t)), x2=percent(SCALE.at(t)), y1=2, y2=HEIGHT - 2,
                class_="grid")
            for t in SCALE.ticks
        ),
    ]  # fmt: skip
    if value is not None:
        met = value >= goal if at_least else value <= goal
        style = "sure" if met else "missed"
        parts.append(whisker(SCALE, ci95, style, HEIGHT / 2))
        disc = tag("circle", r=4.5, class_=f"mark {style}", data_value=repr(value))
        parts.append(
            tag("svg", disc, x=percent(SCALE.at(value)), y=HEIGHT / 2, overflow="visible",
                width="1", height="1")
        )  # fmt: skip
    return tag("svg", *parts, class_="strip", height=HEIGHT, role="img", aria_label=words)


def share_axis() -> Markup:
    """None, half, all."""
    labels = [
        tag("text", f"{100 * tick:g}%", x=percent(SCALE.at(tick)), y=14, class_="tick")
        for tick in SCALE.ticks
    ]
    return tag("svg", *labels, class_="strip axis", height=20, aria_hidden="true")
