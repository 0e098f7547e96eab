"""Degrees of freedom and standard errors of a mixed model's coefficient, for few groups.

The country of a base is constant within its family, so however many entries there are, the
families bear its uncertainty. Three guards, of which the interval takes the most careful:

- the covariance of Kenward and Roger (1997, Biometrics 53, 983-997), which adds what is left out
  when variances are taken as known (the variances enter linearly, so their formula needs no second
  derivatives);
- Satterthwaite's degrees of freedom at the estimated variances, which are theirs, too, for a
  single coefficient;
- at most the degrees of freedom that families leave: their number less the number of regressors
  that do not vary within them (what a balanced design would have exactly).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.mixed.reml import RemlFit


@dataclass(frozen=True)
class Effect:
    """A coefficient with its standard error, degrees of freedom, 95% interval and p value.

    ``satterthwaite`` is the df before the cap by families, ``cap`` that cap (``None``: none).
    """

    value: float
    error: float
    df: float
    satterthwaite: float
    cap: int | None

    @property
    def ci95(self) -> tuple[float, float]:
        """The 95% interval by Student's t."""
        from scipy.stats import t

        reach = float(t.ppf(0.975, self.df)) * self.error
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float:
        """Two-sided, of no effect."""
        from scipy.stats import t

        return float(2 * t.sf(abs(self.value) / self.error, self.df))


def effect(fit: RemlFit, column: int, within: Factor | None = None) -> Effect:
    """The coefficient of ``column``, with the cap by ``within`` where it is constant in each level.

    A component estimated as zero counts as known to be zero in the covariance, as is usual; the cap
    by ``within`` holds nevertheless.
    """
    covariance, information, slopes = _kenward_roger(fit, column)
    variance = float(covariance[column, column])
    plain = float(fit.covariance[column, column])
    spread = float(slopes @ np.linalg.pinv(information) @ slopes)
    satterthwaite = 2 * plain**2 / spread if spread > 0 else float(len(fit.y) - fit.x.shape[1])
    satterthwaite = min(satterthwaite, float(len(fit.y) - fit.x.shape[1]))
    cap = None
    if within is not None and _constant(fit.x, within)[column]:
        cap = levels_left(fit.x, within)
    df = max(1.0, satterthwaite if cap is None else min(satterthwaite, float(cap)))
    return Effect(float(fit.beta[column]), float(np.sqrt(variance)), df, satterthwaite, cap)


def levels_left(x: Array, within: Factor) -> int:
    """Levels of ``within`` less the rank of the columns that are constant in each; at least 1."""
    means = _means(x[:, _constant(x, within)], within)
    return max(1, within.levels - int(np.linalg.matrix_rank(means)))


def _means(x: Array, within: Factor) -> Array:
    sizes = np.maximum(np.bincount(within.codes, minlength=within.levels), 1)
    return within.sums(x) / sizes[:, None]


def _constant(x: Array, within: Factor) -> npt.NDArray[np.bool_]:
    """Which columns do not vary within any level."""
    return np.abs(x - _means(x, within)[within.codes]).max(axis=0) < 1e-9


def _kenward_roger(fit: RemlFit, column: int) -> tuple[Array, Array, Array]:
    """The adjusted covariance, the expected information of the variances, d(variance)/d(variances).

    The variances are those of the factors with a positive one, then the residual's.
    """
    factors = [f for f, r in zip(fit.factors, fit.ratios, strict=True) if r > 0]
    variances = [float(r**2) * fit.residual_variance for r in fit.ratios if r > 0]
    vx = fit.solve(fit.x)
    phi = fit.covariance
    reached = [_apply(f, vx) for f in factors] + [vx]
    inverse_reached = [fit.solve(r) for r in reached]
    p = [-vx.T @ r for r in reached]
    information = _information(fit, factors, np.asarray(variances), vx)
    w = np.linalg.pinv(information)
    k = len(reached)
    middle = np.zeros_like(phi)
    for i in range(k):
        for j in range(k):
            q = reached[i].T @ inverse_reached[j]
            middle += w[i, j] * (q - p[i] @ phi @ p[j])
    c = phi[:, column]
    slopes = np.array([float(-(c @ pi @ c)) for pi in p])
    return phi + 2 * phi @ middle @ phi, information, slopes


def _apply(factor: Factor, values: Array) -> Array:
    """Z Z' A."""
    return factor.sums(values)[factor.codes]


def _information(fit: RemlFit, factors: list[Factor], variances: Array, vx: Array) -> Array:
    """Half the traces of P V_i P V_j, from the levels alone.

    With PVP = P the traces that involve the residual follow from the others, so no matrix of rows
    by rows is formed.
    """
    rows, width = fit.x.shape
    k = len(factors)
    traces = np.zeros((k + 1, k + 1))
    singles = np.zeros(k)
    if k:
        z = np.hstack([factor.dense() for factor in factors])
        starts = np.cumsum([0, *(f.levels for f in factors)])
        zv = fit.solve(z)
        g = z.T @ zv - (z.T @ vx) @ fit.covariance @ (vx.T @ z)
        blocks = [slice(starts[i], starts[i + 1]) for i in range(k)]
        for i in range(k):
            singles[i] = np.trace(g[blocks[i], blocks[i]])
            for j in range(k):
                traces[i, j] = float((g[blocks[i], blocks[j]] ** 2).sum())
    s = fit.residual_variance
    for i in range(k):
        traces[i, k] = traces[k, i] = (singles[i] - traces[i, :k] @ variances) / s
    trace_p = (rows - width - singles @ variances) / s
    traces[k, k] = (trace_p - traces[k, :k] @ variances) / s
    return traces / 2
