"""The group differences as published: ordinary least squares, one row a base, classic errors.

Figures such as those of arXiv 2407.07890 are least squares of a score on log compute and the group,
as if bases of one family were independent. They are kept to be reproduced;
:mod:`workbench.study.estimands` is what a study concludes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.compare.least_squares import Coefficient, fit


@dataclass(frozen=True)
class Treated:
    """One base before and after the treatment.

    ``group`` is 1 in the group asked about and 0 elsewhere; ``compute`` is log10 of parameters
    times training tokens (both in billions); ``before`` and ``after`` are scores from 0 to 1.
    """

    base: str
    family: str
    group: int
    compute: float
    before: float
    after: float

    @property
    def gain(self) -> float:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class Estimands:
    """The group's difference in each sense: positive where the group does better.

    ``before_at_compute`` is no outcome but where the group starts, which the others turn on.
    """

    final: Coefficient
    gain: Coefficient
    before_at_compute: Coefficient
    final_at_compute: Coefficient
    gain_at_compute: Coefficient
    gain_at_start: Coefficient


def estimate(rows: Sequence[Treated], *, by_family: bool = False) -> Estimands:
    """The group differences by ordinary least squares.

    "At compute" and "at start" add log compute, or the score before, as a regressor. With
    ``by_family`` the standard errors are clustered by family: bases of one family are not
    independent.

    Raises:
        ValueError: too few rows, one group only, or one family only where they are clustered.
    """
    if len({row.group for row in rows}) < 2:
        raise ValueError("both groups need a base: one group alone has nothing to differ from")
    families = [row.family for row in rows] if by_family else None
    group = [float(row.group) for row in rows]
    compute = [row.compute for row in rows]
    before = [row.before for row in rows]
    after = [row.after for row in rows]
    gain = [row.gain for row in rows]

    def difference(outcome: Sequence[float], **control: Sequence[float]) -> Coefficient:
        return fit(outcome, {"group": group, **control}, families)["group"]

    return Estimands(
        final=difference(after),
        gain=difference(gain),
        before_at_compute=difference(before, compute=compute),
        final_at_compute=difference(after, compute=compute),
        gain_at_compute=difference(gain, compute=compute),
        gain_at_start=difference(gain, before=before),
    )
