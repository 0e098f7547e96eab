"""One base's score by learning rate: the best marked, and the rate that all bases share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import MARGIN, Scale
from workbench.report.figures.svg import percent, stretched, tag

HEIGHT = 74


def rate_text(rate: float) -> str:
    """``0.0002`` -> ``2e−4``: the way people write learning rates."""
    if not rate > 0 or 0.01 <= rate < 1000:
        return f"{rate:g}"
    text = f"{rate:.3e}"
    digits, _, power = text.partition("e")
    return f"{float(digits):g}e{int(power)}".replace("-", numbers.MINUS)


def rate_panel(
    base: str,
    scores: Sequence[tuple[float, float]],
    upwards: Scale,
    tried: Sequence[float],
    *,
    best: float | None,
    fixed: float | None,
    style: str,
) -> Markup:
    """``scores`` are (rate, points), drawn over all the rates ``tried`` on a logarithmic axis."""
    low, high = min(tried), max(tried)
    span = math.log(high / low) if high > low > 0 else 0.0

    def along(rate: float) -> float:
        share = math.log(rate / low) / span if span else 0.5
        return 0.08 + 0.84 * min(1.0, max(0.0, share))

    def up(points: float) -> float:
        return 1 - upwards.at(points)

    parts = [
        tag("line", x1=0, x2="100%", y1=percent(y), y2=percent(y), class_="grid")
        for y in (MARGIN, 1 - MARGIN)
    ]
    if fixed is not None:
        x = percent(along(fixed))
        parts.append(tag("line", x1=x, x2=x, y1=0, y2="100%", class_="aim"))
    ordered = sorted(scores)
    if len(ordered) > 1:
        d = "M" + "L".join(f"{1000 * along(r):.1f} {1000 * up(s):.1f}" for r, s in ordered)
        parts.append(stretched(d, f"trace {style}"))
    said = []
    for rate, points in ordered:
        is_best = best is not None and math.isclose(rate, best)
        is_fixed = fixed is not None and math.isclose(rate, fixed)
        what = " (best)" if is_best else ""
        what += " (fixed)" if is_fixed else ""
        words = f"{rate_text(rate)}: {numbers.points(points)}{what}"
        said.append(words)
        parts.append(
            tag("circle", tag("title", f"{base}, learning rate {words}"),
                cx=percent(along(rate)), cy=percent(up(points)), r=5 if is_best else 3,
                class_=f"rate {style} {'best' if is_best else ''}".strip(),
                data_value=repr(points))
        )  # fmt: skip
    return tag(
        "svg", *parts, class_="plane", height=HEIGHT, role="img",
        aria_label=f"{base}, score by learning rate: " + "; ".join(said),
    )  # fmt: skip
