"""What the best of n fine-tunes of a base is expected to show, against n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import nice
from workbench.report.figures.leaderboard_axes import linear, logarithmic
from workbench.report.figures.leaderboard_plane import Curve, Spot, plane

HEIGHT = 340
#: Line styles of a group, so that its bases can be told apart without colour.
STYLES = 4


@dataclass(frozen=True)
class Base:
    """A base's expected best: (n, value) by rising n."""

    name: str
    chinese: bool | None
    points: Sequence[tuple[float, float]]


def best_of(bases: Sequence[Base], label: str, *, signed: bool) -> Markup | None:
    """One line a base up to as many fine-tunes as it has; the mark stands at that end."""
    drawn = [base for base in bases if base.points]
    if not drawn:
        return None
    values = [y for base in drawn for _, y in base.points]
    most = max(x for base in drawn for x, _ in base.points)
    seen = {True: 0, False: 0, None: 0}
    curves = []
    for base in drawn:
        style = f"{'chinese' if base.chinese else 'other'} dash-{seen[base.chinese] % STYLES}"
        seen[base.chinese] += 1
        x, y = base.points[-1]
        end = Spot(x, y, f"{base.name}: best of {x:g} is {numbers.points(y, sign=signed)}")
        curves.append(Curve("", base.points, style, base.chinese, [end]))
        # Carried on to the right edge, so that its name there is found.
        curves.append(Curve(base.name, [(x, y), (most, y)], f"leader {style}"))
    return plane(
        curves,
        logarithmic(1, max(2, most)),
        linear(nice(min(values), max(values), 5), sign=signed),
        label,
        height=HEIGHT,
    )
