"""Linear mixed model with crossed random intercepts, fitted exactly by REML.

The model is y = X b + sum_k Z_k u_k + e with u_k ~ N(0, s_k^2), one random intercept per level of
each factor, the factors crossed or nested as the data has them. Henderson's identities reduce all
algebra to the levels: the largest factor, whose block is diagonal, is eliminated first, so that an
evaluation costs milliseconds where a dense fit of a thousand rows takes seconds. The profiled
criterion is that of Bates et al. (2015, J. Stat. Softw. 67(1), equation 42).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

#: Below this ratio to the residual standard deviation a component is told as zero.
SINGULAR = 1e-3


@dataclass(frozen=True)
class Factor:
    """A random intercept: each row's level, 0 to ``levels`` - 1."""

    name: str
    codes: Codes
    levels: int

    @classmethod
    def of(cls, name: str, labels: Sequence[object]) -> Factor:
        """The factor of a column of labels."""
        found, codes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
        return cls(name, codes.astype(np.int64), len(found))

    def sums(self, values: Array) -> Array:
        """Z'A: the sums of ``values``' rows (vector or matrix) by level."""
        out = np.zeros((self.levels, *values.shape[1:]))
        np.add.at(out, self.codes, values)
        return out


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
        return [
            f.name for f, r in zip(self.factors, self.ratios, strict=True) if r < SINGULAR
        ]

    def solve(self, values: Array) -> Array:
        """V^-1 A for rows ``values`` (vector or matrix), V the covariance of the outcome."""
        inner = _Levels(_Counts(self.factors), self.ratios)
        return inner.solve(values) / self.residual_variance


class _Counts:
    """How the factors' levels meet: Z1'Z1 (diagonal), Z1'Z2 and Z2'Z2, the largest factor first."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.order = sorted(range(len(factors)), key=lambda k: -factors[k].levels)
        self.first = factors[self.order[0]]
        self.rest = [factors[k] for k in self.order[1:]]
        self.sizes = np.bincount(self.first.codes, minlength=self.first.levels)
        rows = len(self.first.codes)
        starts = np.cumsum([0, *(f.levels for f in self.rest)])
        z = np.zeros((rows, starts[-1]))
        for factor, start in zip(self.rest, starts, strict=False):
            z[np.arange(rows), start + factor.codes] = 1
        self.cross = self.first.sums(z)
        self.square = z.T @ z


class _Levels:
    """V / s_e^2 = I + Z D Z' at given ratios, inverted through its levels (Woodbury)."""

    def __init__(self, counts: _Counts, ratios: Array) -> None:
        from scipy.linalg import cho_factor

        self._first, self._rest = counts.first, counts.rest
        self._r1 = float(ratios[counts.order[0]])
        self._scale = np.repeat(
            ratios[counts.order[1:]], np.array([f.levels for f in self._rest], dtype=int)
        )
        self._diagonal = 1 + self._r1**2 * counts.sizes
        self.logdet = float(np.log(self._diagonal).sum())
        if self._rest:
            b = counts.cross * self._r1 * self._scale
            self._b = b / self._diagonal[:, None]
            schur = counts.square * np.outer(self._scale, self._scale) - b.T @ self._b
            schur[np.diag_indices_from(schur)] += 1
            self._schur = cho_factor(schur, lower=True, check_finite=False)
            self.logdet += 2 * float(np.log(np.diag(self._schur[0])).sum())

    def solve(self, values: Array) -> Array:
        from scipy.linalg import cho_solve

        t1 = self._r1 * self._first.sums(values)
        if not self._rest:
            u1 = (t1.T / self._diagonal).T
            return values - self._r1 * u1[self._first.codes]
        sums = np.concatenate([f.sums(values) for f in self._rest])
        t2 = (self._scale * sums.T).T
        u2 = cho_solve(self._schur, t2 - self._b.T @ t1, check_finite=False)
        u1 = (t1.T / self._diagonal).T - self._b @ u2
        out = values - self._r1 * u1[self._first.codes]
        start = 0
        scaled = (self._scale * u2.T).T
        for factor in self._rest:
            out = out - scaled[start : start + factor.levels][factor.codes]
            start += factor.levels
        return out


def fit(y: Sequence[float], x: Array, factors: Sequence[Factor]) -> RemlFit:
    """The restricted maximum likelihood fit; a component may be zero, which ``singular`` names.

    Raises:
        ValueError: not more rows than columns, or columns that determine each other.
    """
    from scipy.optimize import minimize

    outcome = np.asarray(y, dtype=float)
    n, p = x.shape
    if n <= p:
        raise ValueError(f"{n} rows cannot fit {p} coefficients and their errors")
    if np.linalg.matrix_rank(x) < p:
        raise ValueError("some regressors determine the others")
    yx = np.column_stack([outcome, x])
    counts = _Counts(factors)

    def parts(ratios: Array) -> tuple[float, Array, float, Array]:
        levels = _Levels(counts, ratios)
        gram = yx.T @ levels.solve(yx)
        inverse = np.linalg.inv(gram[1:, 1:])
        beta = inverse @ gram[1:, 0]
        left = max(float(gram[0, 0] - gram[0, 1:] @ beta), 1e-300)
        variance = left / (n - p)
        _, logdet = np.linalg.slogdet(gram[1:, 1:])
        deviance = levels.logdet + float(logdet) + (n - p) * (1 + np.log(2 * np.pi * variance))
        return deviance, beta, variance, inverse

    best = None
    # The criterion can have two basins (a between-group component against the residual): a start
    # on either side of most of them costs little.
    for start in (0.7, 0.15):
        found = minimize(
            lambda r: parts(r)[0],
            np.full(len(factors), start),
            method="L-BFGS-B",
            bounds=[(0.0, 50.0)] * len(factors),
            options={"ftol": 1e-10, "gtol": 1e-5},
        )
        if best is None or found.fun < best.fun - 1e-6:
            best = found
    assert best is not None
    ratios = np.where(best.x < SINGULAR, 0.0, best.x)
    deviance, beta, variance, inverse = parts(ratios)
    return RemlFit(
        beta, inverse * variance, variance, ratios, tuple(factors), deviance,
        bool(best.success), x, outcome,
    )  # fmt: skip
