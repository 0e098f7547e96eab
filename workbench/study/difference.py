"""One group difference, from the values of bases: with an interval where families bear one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.compare.mixed.levels import Factor
from workbench.study.model import DEALS, Contrast
from workbench.study.senses import Sense

if TYPE_CHECKING:
    import pandas as pd


def contrast_of(bases: pd.DataFrame, sense: Sense, *, seed: int = 0, most: int = DEALS) -> Contrast:
    """The contrast of the two sides over ``bases`` (of :func:`bases_of`).

    Raises:
        ValueError: the families do not bear it.
    """
    held = (bases["held"].to_numpy(float),) if sense.held else ()
    return Contrast(
        bases["asked"].to_numpy(float),
        Factor.of("family", bases["family"].tolist()),
        held,
        seed=seed,
        most=most,
    )


def value_of(bases: pd.DataFrame, sense: Sense) -> float | None:
    """The difference alone; ``None`` where it cannot be estimated.

    Without anything held equal two families are enough: the difference of the sides' means.
    """
    sides = bases.groupby(["asked", "family"])["value"].mean().groupby("asked").mean()
    if len(sides) < 2:
        return None
    try:
        contrast = contrast_of(bases, sense, most=1)
    except ValueError:
        return None if sense.held else float(sides[True] - sides[False])
    return contrast.value(bases["value"].to_numpy(float))


def interval_of(
    bases: pd.DataFrame, sense: Sense, alpha: float = 0.05
) -> tuple[float | None, list[float] | None, float | None]:
    """The difference, its interval (level 1 - ``alpha``) and p; without the last two if need be."""
    value = value_of(bases, sense)
    if value is None or min(sizes_of(bases)) < 2:
        return value, None, None
    try:
        contrast = contrast_of(bases, sense, most=1)
    except ValueError:
        return value, None, None
    found = contrast.effects(bases["value"].to_numpy(float)[None, :])
    low, high = found.interval(1 - alpha)
    return value, [float(low[0]), float(high[0])], float(found.p()[0])


def sizes_of(bases: pd.DataFrame) -> tuple[int, int]:
    """The number of families on the side asked about, and on the other."""
    inside, outside = (
        int(bases.loc[bases["asked"] == side, "family"].nunique()) for side in (True, False)
    )
    return inside, outside
