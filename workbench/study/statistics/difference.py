"""One group difference, from the values of bases: with an interval where families bear one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.compare.mixed.levels import Factor
from workbench.study.statistics.model import DEALS, Contrast
from workbench.study.statistics.senses import Sense

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

    Without anything held equal a family a side is enough: the difference of the sides' means.
    """
    return interval_of(bases, sense)[0]


def interval_of(
    bases: pd.DataFrame, sense: Sense, alpha: float = 0.05
) -> tuple[float | None, list[float] | None, float | None]:
    """The difference, its interval (level 1 - ``alpha``) and p; without the last two if need be."""
    few = min(sizes_of(bases))
    if not few:
        return None, None, None
    try:
        contrast = contrast_of(bases, sense, most=1)
    except ValueError:
        return (None if sense.held else _of_means(bases)), None, None
    found = contrast.effects(bases["value"].to_numpy(float)[None, :])
    value = float(found.value[0])
    if few == 1:
        return value, None, None
    low, high = found.interval(1 - alpha)
    return value, [float(low[0]), float(high[0])], float(found.p()[0])


def _of_means(bases: pd.DataFrame) -> float:
    sides = bases.groupby(["asked", "family"])["value"].mean().groupby("asked").mean()
    return float(sides[True] - sides[False])


def sizes_of(bases: pd.DataFrame) -> tuple[int, int]:
    """The number of families on the side asked about, and on the other."""
    pairs = set(zip(bases["asked"].tolist(), bases["family"].tolist(), strict=True))
    inside = sum(1 for asked, _ in pairs if asked)
    return inside, len(pairs) - inside
