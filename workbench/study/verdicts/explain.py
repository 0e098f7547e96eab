"""Which explanations the data supports: each hypothesis' statistic against the groups and the gain.

A cause explains why one group gains more only if the groups differ in it, in the direction that
would do so, and if the difference in gain shrinks once it is held equal. Families are the unit
throughout, as for all of a study's verdicts (:mod:`workbench.compare.mixed.nested`).

The part that holding the statistic equal takes away is the product of two coefficients, the groups'
difference in the statistic and the slope of the gain on it within groups. Its interval is that of
the product, both drawn from their t distributions (MacKinnon, Lockwood and Williams 2004,
Multivar. Behav. Res. 39, 99-128): with few families percentiles of a bootstrap are too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.compare.least_squares import Coefficient
from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.mixed.nested import Design
from workbench.study.statistics.model import Contrast
from workbench.study.statistics.senses import SENSES, bases_of, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.study.hypothesis import Finding

Verdict = Literal["supported", "not supported", "cannot tell"]
DRAWS = 20_000
GAIN = next(sense for sense in SENSES if sense.name == "gain")

RULE = (
    "Supported: the groups differ in the statistic, in the direction that would explain the sign "
    "of the difference in gain (p, of the t test over families and of their permutation the "
    "larger, adjusted for all hypotheses), the groups differ in gain, and holding the statistic "
    "equal takes away a part of that difference whose 95% interval excludes zero. Not supported: "
    "the 90% interval of the groups' difference in the statistic lies within its margin, or that "
    "difference is shown to go the other way, or the groups are shown to gain alike. Otherwise it "
    "cannot be told, as also where the probe failed its positive control."
)


@dataclass(frozen=True)
class Effect:
    """The groups' difference in a statistic, asked less others, over families."""

    coefficient: Coefficient
    p_permutation: float
    #: The smallest p that so few families allow the permutation.
    least_p: float

    @property
    def p(self) -> float:
        """The larger of the t test's p and the permutation's."""
        return max(self.coefficient.p, self.p_permutation)

    def interval(self, level: float) -> tuple[float, float]:
        """The interval by Student's t."""
        from scipy.stats import t

        reach = float(t.ppf(0.5 + level / 2, self.coefficient.df)) * self.coefficient.error
        return self.coefficient.value - reach, self.coefficient.value + reach


@dataclass(frozen=True)
class Explained:
    """The groups' difference in gain, what is ``left`` of it with the statistic equal, and the
    ``part`` that goes away, with its 95% interval."""

    gain: Coefficient
    left: Coefficient
    part: float
    ci95: tuple[float, float]

    @property
    def share(self) -> float | None:
        """The part as a share of the difference; ``None`` where that is not told from zero."""
        low, high = self.gain.ci95
        return self.part / self.gain.value if low > 0 or high < 0 else None

    def as_dict(self) -> dict[str, Any]:
        """For results.json: scores from 0 to 1; ``ci95`` is that of ``part``."""
        return {
            "gain_difference": self.gain.value,
            "gain_ci95": list(self.gain.ci95),
            "left": self.left.value,
            "left_ci95": list(self.left.ci95),
            "part": self.part,
            "share": self.share,
            "ci95": list(self.ci95),
        }


def gains(frame: pd.DataFrame) -> pd.DataFrame:
    """``base family asked gain``: each base's gain, as the study's own estimand takes it.

    Rows of collapsed runs are left out.
    """
    rows = rows_of(frame[~frame["collapsed"].astype(bool)], GAIN)
    if rows.empty:
        return rows.assign(gain=[])[["base", "family", "asked", "gain"]]
    found = bases_of(rows).rename(columns={"value": "gain"})
    return found[["base", "family", "asked", "gain"]]


def measured(rows: pd.DataFrame, findings: Mapping[str, Finding]) -> pd.DataFrame:
    """``rows`` of :func:`gains` with ``value``, of bases in which the probe could measure."""
    values = {base: found.value for base, found in findings.items() if found.value is not None}
    known = rows[rows["base"].isin(values)]
    return known.assign(value=known["base"].map(values).astype(float)).reset_index(drop=True)


def effect_of(rows: pd.DataFrame, *, seed: int) -> Effect | None:
    """The groups' difference in the statistic, as the study's verdicts are tested; ``None`` with
    fewer than three families, or one group only."""
    if rows.empty or rows["asked"].nunique() < 2:
        return None
    values = rows["value"].to_numpy(float)[None, :]
    try:
        contrast = Contrast(
            rows["asked"].to_numpy(float), Factor.of("family", rows["family"].tolist()), seed=seed
        )
    except ValueError:
        return None
    found = contrast.find(values)
    one = found.effects
    assert found.p_permutation is not None
    return Effect(
        Coefficient(float(one.value[0]), float(one.error[0]), one.df),
        float(found.p_permutation[0]),
        contrast.least,
    )


def explained(rows: pd.DataFrame, *, seed: int) -> Explained | None:
    """How much of the groups' difference in gain goes away with the statistic held equal.

    ``None`` with fewer than four families, one group only, or a statistic that does not vary
    within groups.
    """
    if rows.empty or rows["asked"].nunique() < 2:
        return None
    families = Factor.of("family", rows["family"].tolist())
    asked, value = rows["asked"].to_numpy(float), rows["value"].to_numpy(float)
    columns = [np.ones(len(rows)), asked]
    try:
        plain = Design(np.column_stack(columns), families)
        held = Design(np.column_stack([*columns, value - value.mean()]), families)
    except ValueError:
        return None
    gain = rows["gain"].to_numpy(float)[None, :]
    weights = plain.weights(gain)
    whole = _weighted(plain, plain.means(gain), weights, 1)
    left = _weighted(held, plain.means(gain), weights, 1)
    difference = _weighted(plain, plain.means(value[None, :]), weights, 1)
    slope = _weighted(held, plain.means(gain), weights, 2)
    rng = np.random.default_rng(seed)
    draws = _drawn(difference, rng) * _drawn(slope, rng)
    low, high = np.quantile(draws, [0.025, 0.975])
    # With one set of weights the product is exactly the difference of the two coefficients.
    return Explained(whole, left, whole.value - left.value, (float(low), float(high)))


def _weighted(design: Design, means: Array, weights: Array, column: int) -> Coefficient:
    """A coefficient of the families' means, with the error of :mod:`compare.mixed.nested`."""
    beta, inverse = design.fit(means, weights)
    scatter = float((weights * (means - beta @ design.x.T) ** 2).sum()) / design.df
    error = float(np.sqrt(inverse[0, column, column] * scatter))
    return Coefficient(float(beta[0, column]), error, design.df)


def _drawn(found: Coefficient, rng: np.random.Generator) -> Array:
    return np.asarray(found.value + found.error * rng.standard_t(found.df, DRAWS))


def verdict_of(
    effect: Effect | None,
    part: Explained | None,
    *,
    p_adjusted: float | None,
    sign: int,
    margin: float,
    alpha: float,
    alike: bool,
    control: bool | None,
) -> Verdict:
    """By ``RULE``. ``alike``: the groups are shown to gain alike; ``control``: the probe's."""
    if control is False or effect is None:
        return "cannot tell"
    low, high = effect.interval(0.9)
    if alike or (-margin <= low and high <= margin):
        return "not supported"
    if part is None or p_adjusted is None:
        return "cannot tell"
    gain_low, gain_high = part.gain.ci95
    gain_shown = gain_low > 0 or gain_high < 0
    fits = sign * effect.coefficient.value * part.gain.value > 0
    shown = p_adjusted <= alpha
    if shown and gain_shown and not fits:
        return "not supported"
    real = part.ci95[0] > 0 if part.gain.value > 0 else part.ci95[1] < 0
    return "supported" if shown and gain_shown and fits and real else "cannot tell"
