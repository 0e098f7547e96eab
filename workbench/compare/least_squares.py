"""Ordinary least squares with classic and with cluster-robust standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats


@dataclass(frozen=True)
class Coefficient:
    """An estimate, its standard error, and the 95% interval by Student's t on ``df``."""

    value: float
    error: float
    df: int

    @property
    def ci95(self) -> tuple[float, float]:
        """The 95% confidence interval."""
        reach = float(stats.t.ppf(0.975, self.df)) * self.error
        return (self.value - reach, self.value + reach)

    @property
    def p(self) -> float:
        """The two-sided p value of no effect."""
        if self.error == 0:
            return 0.0 if self.value else 1.0
        return float(2 * stats.t.sf(abs(self.value) / self.error, self.df))


def fit(
    outcome: Sequence[float],
    regressors: Mapping[str, Sequence[float]],
    clusters: Sequence[str] | None = None,
) -> dict[str, Coefficient]:
    """Regress ``outcome`` on an intercept and ``regressors``; a coefficient for each by name.

    Standard errors are the classic ones, with n - k degrees of freedom. With ``clusters``, they are
    cluster-robust (CR1, G - 1 degrees of freedom; Liang and Zeger 1986), for rows that are not
    independent within a cluster.

    Raises:
        ValueError: fewer rows than coefficients need, regressors that determine each other, or
            fewer than two clusters.
    """
    y = np.asarray(outcome, dtype=float)
    columns = [np.ones_like(y), *(np.asarray(v, dtype=float) for v in regressors.values())]
    x = np.column_stack(columns)
    rows, width = x.shape
    if rows <= width:
        raise ValueError(f"{rows} rows cannot fit {width} coefficients and their errors")
    if np.linalg.matrix_rank(x) < width:
        raise ValueError(f"{', '.join(regressors)}: some of these determine the others")
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    residuals = y - x @ beta
    if clusters is None:
        covariance = inverse * float(residuals @ residuals) / (rows - width)
        df = rows - width
    else:
        covariance, df = _clustered(x, residuals, inverse, clusters)
    errors = np.sqrt(np.diag(covariance))
    names = ["intercept", *regressors]
    return {
        name: Coefficient(float(b), float(e), df)
        for name, b, e in zip(names, beta, errors, strict=True)
    }


def _clustered(
    x: npt.NDArray[np.float64],
    residuals: npt.NDArray[np.float64],
    inverse: npt.NDArray[np.float64],
    clusters: Sequence[str],
) -> tuple[npt.NDArray[np.float64], int]:
    rows, width = x.shape
    labels = np.asarray(clusters)
    groups = np.unique(labels)
    if len(groups) < 2:
        raise ValueError("standard errors by cluster need two clusters at least")
    meat = np.zeros((width, width))
    for group in groups:
        inside = labels == group
        score = x[inside].T @ residuals[inside]
        meat += np.outer(score, score)
    small_sample = len(groups) / (len(groups) - 1) * (rows - 1) / (rows - width)
    return small_sample * inverse @ meat @ inverse, len(groups) - 1
