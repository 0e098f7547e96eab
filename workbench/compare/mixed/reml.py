"""Linear mixed model with crossed random intercepts, fitted exactly by REML.

The model is y = X b + sum_k Z_k u_k + e with u_k ~ N(0, s_k^2), one random intercept per level of
each factor, the factors crossed or nested as the data has them. The profiled criterion is that of
Bates et al. (2015, J. Stat. Softw. 67(1), equation 42), with its exact gradient. statsmodels'
MixedLM gives the same estimates, about ten times slower, and no inference for few groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.compare.mixed.levels import Array, Factor, Levels, Meetings

#: A component whose ratio to the residual standard deviation is below this is told as zero.
SINGULAR = 1e-3
#: The search stays above it: the gradient divides by the variance.
LEAST_VARIANCE = 1e-8


@dataclass(frozen=True)
class RemlFit:
    """Estimates and what inference needs.

    ``ratios`` are s_k / s_e in the order of the factors; ``residual_variance`` is s_e^2;
    ``covariance`` is the generalised least squares one, (X'V^-1X)^-1, at the estimates.
    """

    beta: Array
    covariance: Array
    residual_variance: float
    ratios: Array
    factors: tuple[Factor, ...]
    deviance: float
    converged: bool
    x: Array
    y: Array

    @property
    def sd(self) -> dict[str, float]:
        """Standard deviations by factor, and ``residual``, in units of the outcome."""
        residual = float(np.sqrt(self.residual_variance))
        parts = {
            f.name: float(r) * residual for f, r in zip(self.factors, self.ratios, strict=True)
        }
        return {**parts, "residual": residual}

    @property
    def singular(self) -> list[str]:
        """The factors whose variance is estimated as zero."""
        return [f.name for f, r in zip(self.factors, self.ratios, strict=True) if r == 0]

    def solve(self, values: Array) -> Array:
        """V^-1 A for rows ``values`` (vector or matrix), V the covariance of the outcome."""
        levels = Levels(Meetings(self.factors), self.ratios)
        return levels.solve(values) / self.residual_variance


@dataclass(frozen=True)
class _Point:
    """The criterion (-2 log of the restricted likelihood) at one set of variances."""

    deviance: float
    gradient: Array
    beta: Array
    variance: float
    inverse: Array


def fit(y: Sequence[float] | Array, x: Array, factors: Sequence[Factor]) -> RemlFit:
    """The restricted maximum likelihood fit; a component may be zero, which ``singular`` names.

    Raises:
        ValueError: not more rows than columns, columns that determine each other, or an outcome
            that they determine.
    """
    from scipy.optimize import minimize

    outcome = np.asarray(y, dtype=float)
    n, p = x.shape
    if n <= p:
        raise ValueError(f"{n} rows cannot fit {p} coefficients and their errors")
    if np.linalg.matrix_rank(x) < p:
        raise ValueError("some regressors determine the others")
    left = outcome - x @ np.linalg.lstsq(x, outcome, rcond=None)[0]
    if np.abs(left).max() <= 1e-9 * max(1.0, float(np.abs(outcome).max())):
        raise ValueError("the regressors determine the outcome: nothing is left to vary")
    meetings = Meetings(factors)

    def criterion(variances: Array) -> tuple[float, Array]:
        point = _at(np.sqrt(variances), meetings, factors, outcome, x)
        return point.deviance, point.gradient

    best = None
    # The criterion can have two basins (a between-group component against the residual): a start
    # on either side of most of them costs little.
    for start in (0.5, 0.02):
        found = minimize(
            criterion,
            np.full(len(factors), start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(LEAST_VARIANCE, 1e4)] * len(factors),
            options={"ftol": 1e-12, "gtol": 1e-6},
        )
        if best is None or found.fun < best.fun - 1e-6:
            best = found
    assert best is not None
    ratios = np.sqrt(best.x)
    ratios = np.where(ratios < SINGULAR, 0.0, ratios)
    point = _at(ratios, meetings, factors, outcome, x)
    return RemlFit(
        beta=point.beta,
        covariance=point.inverse * point.variance,
        residual_variance=point.variance,
        ratios=ratios,
        factors=tuple(factors),
        deviance=point.deviance,
        converged=bool(best.success),
        x=x,
        y=outcome,
    )


def _at(ratios: Array, meetings: Meetings, factors: Sequence[Factor], y: Array, x: Array) -> _Point:
    levels = Levels(meetings, ratios)
    n, p = x.shape
    solved = levels.solve(np.column_stack([y, x]))
    vy, vx = solved[:, 0], solved[:, 1:]
    gram = x.T @ vx
    inverse = np.linalg.inv(gram)
    beta = inverse @ (x.T @ vy)
    residual = vy - vx @ beta
    variance = max(float((y - x @ beta) @ residual), 1e-300) / (n - p)
    _, logdet = np.linalg.slogdet(gram)
    deviance = levels.logdet + float(logdet) + (n - p) * (1 + np.log(2 * np.pi * variance))
    gradient = np.zeros(len(ratios))
    if (ratios > 0).all():
        gradient = levels.traces(ratios)
        for k, factor in enumerate(factors):
            zvx = factor.sums(vx)
            gradient[k] -= float(((zvx @ inverse) * zvx).sum())
            gradient[k] -= float((factor.sums(residual) ** 2).sum()) / variance
    return _Point(deviance, gradient, beta, variance, np.asarray(inverse, dtype=float))
