"""The power curve of a study: how often a difference between the groups would be found."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, nice
from workbench.report.figures.leaderboard_axes import Axis, linear
from workbench.report.figures.leaderboard_plane import Curve, plane
from workbench.report.figures.svg import percent, tag
from workbench.report.leaderboard_read import Node
from workbench.report.study_numbers import unit_of

HEIGHT = 200
SHARE = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
UNIT = unit_of("score")


def power_curve(power: Node) -> Markup | None:
    """Power over the difference in points; the goal a dashed line, the smallest difference a mark.

    ``None`` where there are fewer than two points.
    """
    points = [
        (UNIT.factor * x.number, y.number)
        for x, y in ((point[0], point[1]) for point in power.curve)
        if x.number is not None and y.number is not None
    ]
    if len(points) < 2:
        return None
    points.sort()
    scale = nice(min(0.0, points[0][0]), points[-1][0], 6)
    across = linear(scale)
    upwards = Axis(SHARE.at, tuple((SHARE.at(t), f"{100 * t:g}%", False) for t in SHARE.ticks))
    over, words = [], f"Power from {numbers.per_cent(points[0][1])} at {points[0][0]:g} points"
    wanted, smallest = power.power.number, UNIT.shown(power.smallest.number)
    if wanted is not None:
        y = percent(1 - SHARE.at(wanted))
        over.append(tag("line", x1=0, x2="100%", y1=y, y2=y, class_="aim"))
    if smallest is not None and wanted is not None and scale.low <= smallest <= scale.high:
        x, y = percent(across.at(smallest)), percent(1 - SHARE.at(wanted))
        over.append(tag("line", x1=x, x2=x, y1=y, y2="100%", class_="published"))
        end = across.at(smallest) > 0.6
        over.append(
            tag("text", f"{numbers.points(smallest)} points", x=x, dx=-6 if end else 6, y="93%",
                class_=f"at strong haloed{' end' if end else ''}",
                data_value=repr(power.smallest.raw))
        )  # fmt: skip
        words += f"; {numbers.per_cent(wanted)} at {numbers.points(smallest)} points"
    words += f"; {numbers.per_cent(points[-1][1])} at {points[-1][0]:g} points"
    return plane([Curve("", points, "gain")], across, upwards, words, height=HEIGHT, over=over)
