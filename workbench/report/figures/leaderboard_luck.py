"""A published gain beside what luck alone shows: one worthless variant, and the best of many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import MARGIN, finite, nice, tick_text
from workbench.report.figures.leaderboard_axes import Axis, linear
from workbench.report.figures.leaderboard_plane import Curve, plane
from workbench.report.figures.svg import percent, tag
from workbench.report.leaderboard_read import Node

HEIGHT = 230
POINTS = 240


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _share_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def best_density(value: float, sd: float, n: int) -> float:
    """The density of the largest of ``n`` normal deviates with standard deviation ``sd``."""
    z = value / sd
    return n * _density(z) * _share_below(z) ** (n - 1) / sd


def distribution(entry: Node) -> Markup | None:
    """Densities, each with its peak at the same height, and the published gain as a line."""
    gain = entry.average.delta.number
    sd = entry.best_of.exact.se.number
    count = entry.best_of.exact.n.number
    if gain is None or not sd or count is None:
        return None
    n = int(count)
    low, high = entry.average.ci95.differ.ends
    scale = nice(min(-3.2 * sd, gain - sd), max(5.2 * sd, gain + sd), 6)
    xs = [scale.low + i * (scale.high - scale.low) / POINTS for i in range(POINTS + 1)]
    across = linear(scale, sign=True)
    upwards = Axis(lambda y: 0.02 + 0.78 * y, ())
    one = _humped(xs, lambda x: _density(x / sd))
    best = _humped(xs, lambda x: best_density(x, sd, n))
    most = f"best of {n:,}"
    x = percent(across.at(gain))
    right = across.at(gain) > 0.55
    parts = [
        tag("text", "one variant", x=percent(across.at(0)), y=40, class_="tick haloed"),
        tag("line", x1=x, x2=x, y1=18, y2="100%", class_="published"),
        tag("text", f"published {numbers.points(gain, sign=True, decimals=2)}", x=x,
            dx=4 if not right else -4, y=12, class_=f"at {'end' if right else 'start'} strong"),
        tag("text", most, x=percent(across.at(max(best, key=lambda p: p[1])[0])), dx=16, y=62,
            class_="at most haloed"),
    ]  # fmt: skip
    if low is not None and high is not None:
        left, end = percent(across.at(low)), percent(across.at(high))
        parts.append(tag("line", x1=left, x2=end, y1=24, y2=24, class_="published"))
    words = (
        f"Gain in the average by luck: one worthless variant has a standard deviation of "
        f"{numbers.points(sd, decimals=2)} points; the best of {n:,} shows about "
        f"{numbers.points(entry.best_of.exact.expected.raw, sign=True, decimals=2)}; published: "
        f"{numbers.points(gain, sign=True, decimals=2)}"
    )
    curves = [
        Curve("", one, "single", band=[(x, 0.0, y) for x, y in one]),
        Curve("", best, "most", band=[(x, 0.0, y) for x, y in best]),
    ]
    return plane(curves, across, upwards, words, height=HEIGHT, over=parts)


def alike(entry: Node) -> Markup | None:
    """The gain's interval and the best of many, over the share of items answered differently."""
    rows = [row for row in entry.curve if row.differ.number is not None]
    gain = entry.average.delta.number
    if len(rows) < 2 or gain is None:
        return None
    shares = [row.differ.number or 0.0 for row in rows]
    values = [gain, 0.0]
    for row in rows:
        values += finite([*row.ci95.ends, *row.best_range90.ends])
    upwards = linear(nice(min(values), max(values), 5), sign=True)
    across = _shares(max(shares))
    interval = [(s, *_ends(row, "ci95")) for s, row in zip(shares, rows, strict=True)]
    best = [(s, *_ends(row, "best_range90")) for s, row in zip(shares, rows, strict=True)]
    n = int(entry.best_of.exact.n.number or 0)
    curves = [
        Curve("published gain", [(shares[0], gain), (shares[-1], gain)], "gain", band=interval),
        Curve(
            f"best of {n:,}",
            [(s, row.best.number or 0.0) for s, row in zip(shares, rows, strict=True)],
            "most",
            band=best,
        ),
    ]
    words = (
        "Published gain with its 95% interval, and the best of many worthless variants, by the "
        "share of items on which exactly one of the two is right"
    )
    return plane(curves, across, upwards, words, height=HEIGHT)


def _ends(row: Node, key: str) -> tuple[float, float]:
    low, high = row[key].ends
    return (0.0, 0.0) if low is None or high is None else (low, high)


def _shares(most: float) -> Axis:
    def at(value: float) -> float:
        return MARGIN + (1 - 2 * MARGIN) * min(1.0, max(0.0, value / most))

    ticks = [t for t in nice(0, most, 4).ticks if t <= most * 1.001]
    return Axis(at, tuple((at(t), f"{tick_text(100 * t)}%", False) for t in ticks))


def _humped(xs: Sequence[float], at: Callable[[float], float]) -> list[tuple[float, float]]:
    heights = [at(x) for x in xs]
    peak = max(heights)
    return [(x, y / peak) for x, y in zip(xs, heights, strict=True) if y / peak > 1e-4]
