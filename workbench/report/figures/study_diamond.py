"""A difference between groups: a diamond over its 95% interval, the margin as a band around zero.

The diamond at the foot of a forest plot is as wide as the interval, and highest at the estimate.
"""

from __future__ import annotations

from markupsafe import Markup

from workbench.report.figures.axis import Scale, finite
from workbench.report.figures.leaderboard_rows import grid
from workbench.report.figures.svg import percent, tag
from workbench.report.leaderboard_read import Ends

HEIGHT = 34
#: Half of the diamond's height.
HALF = 8
#: A narrower interval, as a share of the figure, leaves no room for a diamond.
NARROWEST = 0.03


def margin_band(margin: float | None, scale: Scale, height: int) -> list[Markup]:
    """The differences that do not matter, as a band with dashed edges."""
    if margin is None or margin <= 0:
        return []
    left, right = scale.at(-margin), scale.at(margin)
    edges = [
        tag("line", x1=percent(x), x2=percent(x), y1=1, y2=height - 1, class_="margin-edge")
        for x in (left, right)
    ]
    band = tag("rect", x=percent(left), y=1, width=percent(right - left), height=height - 2,
               class_="margin-band")  # fmt: skip
    return [band, *edges]


def diamond(
    value: float | None,
    ci95: Ends,
    scale: Scale,
    words: str,
    *,
    margin: float | None = None,
    style: str = "",
    height: int = HEIGHT,
) -> Markup:
    """The difference on its scale; a plain mark where there is no interval or hardly any width."""
    parts = [tag("title", words), *margin_band(margin, scale, height), grid(scale, height)]
    ends = finite(ci95)
    low, high = (scale.at(end) for end in ends) if len(ends) == 2 else (0.0, 0.0)
    width = high - low
    if value is not None and width >= NARROWEST:
        peak = 1000 * min(1.0, max(0.0, (scale.at(value) - low) / width))
        shape = tag(
            "path",
            d=f"M0 50L{peak:.1f} 0L1000 50L{peak:.1f} 100Z",
            class_=f"pooled {style}".strip(),
            data_value=repr(value),
        )
        parts.append(
            tag("svg", shape, x=percent(low), y=height / 2 - HALF, width=percent(width),
                height=2 * HALF, viewBox="0 0 1000 100", preserveAspectRatio="none",
                overflow="visible")
        )  # fmt: skip
        middle = percent(scale.at(value))
        parts.append(
            tag("line", x1=middle, x2=middle, y1=height / 2 - HALF, y2=height / 2 + HALF,
                class_="pooled-middle")
        )  # fmt: skip
    elif value is not None:
        shape = tag("path", d=f"M0-{HALF}L{HALF} 0L0 {HALF}L-{HALF} 0Z", class_="pooled open",
                    data_value=repr(value))  # fmt: skip
        parts.append(
            tag("svg", shape, x=percent(scale.at(value)), y=height / 2, overflow="visible",
                width="1", height="1")
        )  # fmt: skip
    return tag("svg", *parts, class_="strip", height=height, role="img", aria_label=words)
