"""Winners' gains on the items they were chosen by against those on items never seen before."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import finite, nice
from workbench.report.figures.scan_plane import Point, plane
from workbench.report.scan_results import Scan, Winner

HEIGHT = 300


def drawn_winners(scan: Scan) -> list[Winner]:
    """The winners with both gains."""
    return [w for w in scan.winners if w.search_gain is not None and w.gain is not None]


def scatter(scan: Scan) -> Markup | None:
    """Points below the identity line shrank; filled ones are confirmed."""
    winners = drawn_winners(scan)
    if not winners:
        return None
    points = [
        Point(
            w.search_gain or 0.0,
            w.gain or 0.0,
            w.search_ci95,
            w.ci95,
            f"{w.path}: search {numbers.signed(w.search_gain)}, held-out {numbers.signed(w.gain)} "
            f"({numbers.interval(w.ci95, sign=True)})",
            w.confirmed,
        )
        for w in winners
    ]
    values = [0.0, *finite(v for p in points for v in (p.x, p.y, *p.x_ci95, *p.y_ci95))]
    scale = nice(min(values), max(values), 4)
    below = sum(p.y < p.x for p in points)
    return plane(
        points,
        scale,
        scale,
        f"Gain on held-out against search items, {len(points)} paths, {below} below the identity",
        [(scale.low, scale.low), (scale.high, scale.high)],
        height=HEIGHT,
        line_class="identity",
        signed_x=True,
    )
