"""The Pareto front: what gain a given number of extra layers buys."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import finite, nice
from workbench.report.figures.scan_plane import Point, plane
from workbench.report.scan_results import FrontPoint, Scan

HEIGHT = 240


def front_points(scan: Scan) -> list[FrontPoint]:
    """The points that can be drawn, those with fewest extra layers first."""
    known = [p for p in scan.front if p.extra is not None and p.gain is not None]
    return sorted(known, key=lambda p: (p.extra or 0, p.gain or 0.0))


def pareto(scan: Scan) -> Markup | None:
    """Gain against extra layers with 95% intervals; filled where measured on held-out items."""
    front = front_points(scan)
    if not front:
        return None
    points = [
        Point(
            float(p.extra or 0),
            p.gain or 0.0,
            (None, None),
            p.ci95,
            f"{p.path}: {p.extra or 0:+d} layers, gain {numbers.signed(p.gain)}, 95% interval "
            f"{numbers.interval(p.ci95, sign=True)}, "
            f"{'held-out' if p.held_out else 'search'} items",
            p.held_out,
        )
        for p in front
    ]
    values = [0.0, *finite(v for p in points for v in (p.y, *p.y_ci95))]
    extras = [0.0, *(p.x for p in points)]
    best = max(points, key=lambda p: p.y)
    label = (
        f"Gain against extra layers, {len(points)} paths; the most, {numbers.signed(best.y)}, "
        f"with {best.x:g} extra"
    )
    return plane(
        points,
        nice(min(extras), max(extras), 6),
        nice(min(values), max(values), 5),
        label,
        _steps(points),
        height=HEIGHT,
        line_class="front",
    )


def _steps(points: list[Point]) -> list[tuple[float, float]]:
    """The staircase of the best gain so far; held-out points alone where there are some."""
    told = [p for p in points if p.filled] or points
    line: list[tuple[float, float]] = []
    for point in told:
        if line and point.y <= line[-1][1]:
            continue
        if line:
            line.append((point.x, line[-1][1]))
        line.append((point.x, point.y))
    return [*line, (max(p.x for p in points), line[-1][1])]
