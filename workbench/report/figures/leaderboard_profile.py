"""Six benchmarks as six bars around zero: where an entry differs from its siblings."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.svg import percent, tag

HEIGHT = 44
#: Share of a bar's column that the bar fills.
FILL = 0.62


def profile(values: Mapping[str, float | None], odd: str, reach: float, label: str) -> Markup:
    """Bars up and down from zero, all rows on one scale (``reach`` points fill half the height)."""
    width = 1 / max(1, len(values))
    zero = HEIGHT / 2
    parts = [tag("line", x1=0, x2="100%", y1=zero, y2=zero, class_="zero")]
    for place, (name, value) in enumerate(values.items()):
        if value is None:
            continue
        size = (zero - 1) * min(1.0, abs(value) / reach) if reach > 0 else 0.0
        parts.append(
            tag(
                "rect",
                tag("title", f"{name}: {numbers.points(value, sign=True)} points"),
                x=percent((place + (1 - FILL) / 2) * width),
                width=percent(FILL * width),
                y=f"{zero - size if value > 0 else zero:.1f}",
                height=f"{max(size, 0.8):.1f}",
                class_="bar-odd" if name == odd else "bar-even",
                data_value=repr(value),
            )
        )
    return tag("svg", *parts, class_="strip", height=HEIGHT, role="img", aria_label=label)
