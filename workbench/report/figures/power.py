"""How often a verdict comes out right, over the number of items: by simulation."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, nice, tick_text
from workbench.report.figures.svg import percent, stretched, tag
from workbench.report.reproductions import Figure, Rates

HEIGHT = 150
SHARE = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
#: The chance that is asked for, and the error that is allowed.
WANTED, ALLOWED = 0.80, 0.05


def curves(margin: float) -> list[tuple[str, str, float, str]]:
    """Each line: words for a reader, style, the true difference it is for, the rate it shows."""
    return [
        ("called reproduced, and it holds", "line-0", 0.0, "reproduced"),
        ("called not reproduced, and it is off by twice the margin", "line-1", 2 * margin,
         "not_reproduced"),
        ("called reproduced, and it is off by the margin", "line-2", margin, "reproduced"),
    ]  # fmt: skip


def power_panel(figure: Figure, margin: float) -> Markup | None:
    """The rates of one figure; ``None`` where there are none."""
    if len({rates.n for rates in figure.power}) < 2:
        return None
    items = nice(0, max(rates.n for rates in figure.power), 4)
    parts = [_grid(items)]
    if figure.n is not None:
        x = percent(items.at(figure.n))
        parts.append(tag("line", x1=x, x2=x, y1=0, y2="100%", class_="asked"))
    said = []
    for words, style, true, rate in curves(margin):
        points = _points(figure.power, true, rate)
        if not points:
            continue
        parts += _curve(points, items, words, style)
        said.append(f"{words}: {numbers.per_cent(points[-1][1])} at {points[-1][0]:,} items")
    return tag(
        "svg",
        *parts,
        class_="curves power",
        height=HEIGHT,
        role="img",
        aria_label=f"{figure.title}: " + "; ".join(said),
    )


def _points(power: Sequence[Rates], true: float, rate: str) -> list[tuple[int, float]]:
    close = [r for r in power if abs(r.true - true) < 1e-9 * max(1.0, abs(true))]
    return [(rates.n, float(getattr(rates, rate))) for rates in close]


def _curve(points: list[tuple[int, float]], items: Scale, words: str, style: str) -> list[Markup]:
    d = "M" + "L".join(
        f"{1000 * items.at(n):.1f} {1000 * (1 - SHARE.at(share)):.1f}" for n, share in points
    )
    line = stretched(d, f"curve {style}")
    dots = [
        tag(
            "circle",
            tag("title", f"{words}: {numbers.per_cent(share)} at {n:,} items"),
            cx=percent(items.at(n)),
            cy=percent(1 - SHARE.at(share)),
            r=2.6,
            class_=f"dot {style}",
            data_value=repr(share),
        )
        for n, share in points
    ]
    return [line, *dots]


def _grid(items: Scale) -> Markup:
    rows = [
        tag("line", x1="0", x2="100%", y1=percent(y), y2=percent(y), class_="grid")
        + tag("text", f"{100 * share:g}%", x=-8, y=percent(y), dy=4, class_="tick end")
        for share, y in ((share, 1 - SHARE.at(share)) for share in SHARE.ticks)
    ]
    rows += [
        tag("line", x1="0", x2="100%", y1=percent(y), y2=percent(y), class_="aim")
        for y in (1 - SHARE.at(WANTED), 1 - SHARE.at(ALLOWED))
    ]
    columns = [
        tag("text", tick_text(tick), x=percent(items.at(tick)), y=HEIGHT + 16, class_="tick")
        for tick in items.ticks
    ]
    return Markup("").join([*rows, *columns])
