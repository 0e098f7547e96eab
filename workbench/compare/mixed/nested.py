"""A group's difference where bases come in families, from the families' means.

The model is y = X b + u_family + e_base. What tells the groups apart is constant within a family,
so each family is one point: its mean, of variance s_family^2 + s_base^2 / n. The ratio of the two
variances is estimated from all bases by REML; it serves as weights only. The standard error comes
from the scatter of the families about the fit, with Student's t on families less coefficients
(Hartung and Knapp 2001, Stat. Med. 20, 3875-3889; Knapp and Hartung 2003, 22, 2693-2710), and is
raised by the part that Kenward and Roger (1997, Biometrics 53, 983-997) add because the weights
are estimated. Where all families have as many bases, this is the t test of the families' means,
exactly. A regressor that varies within families counts by its family means, too.

Kenward and Roger's own error on all bases, with at most as many degrees of freedom, is as good
where families differ much, and covers up to 99.7% of the time where they do not and are four to
six: a family variance below zero is cut off there. Many outcomes with the same regressors are
fitted at once, which power needs: the restricted likelihood is a sum over the eigenvalues of Z Z'
in the space orthogonal to the regressors (Kang et al. 2008, Genetics 178, 1709-1723).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.compare.mixed.levels import Array, Factor

METHOD = (
    "families' means, weighted by REML variances of family and base; Knapp-Hartung error with "
    "Kenward-Roger's allowance for the weights, t with families less coefficients df"
)
#: Shares of the variance that are tried before the search between neighbours.
SHARES = 32
#: Steps of the golden section between neighbours: to a share of 1e-5.
STEPS = 18
#: A share of the variance below this is told as zero.
SINGULAR = 1e-6
#: The largest share: beyond it a residual is as good as none.
MOST = 1 - 1e-6


class Design:
    """Regressors (bases by coefficients) and families: what does not depend on the outcome.

    Raises:
        ValueError: no more families than coefficients, or family means of regressors that
            determine each other.
    """

    def __init__(self, x: Array, families: Factor) -> None:
        count, width = families.levels, x.shape[1]
        if count <= width:
            raise ValueError(f"{count} families cannot fit {width} coefficients and their errors")
        self.families = families
        self.sizes = np.bincount(families.codes, minlength=count).astype(float)
        self.x = families.sums(x) / self.sizes[:, None]
        if np.linalg.matrix_rank(self.x) < width:
            raise ValueError("some regressors determine the others")
        self.df = count - width
        space = np.linalg.qr(x, mode="complete")[0][:, width:]
        between = families.sums(space)
        found, vectors = np.linalg.eigh(between.T @ between)
        between_families = found > 1e-9
        self.eigenvalues = found[between_families]
        self.basis = space @ vectors[:, between_families]
        #: The space within families, of which the sum of squares is all that is needed.
        self.within = space @ vectors[:, ~between_families]

    def means(self, y: Array) -> Array:
        """The families' means of each outcome: rows of ``y`` by families."""
        return np.asarray(self.families.sums(y.T).T / self.sizes)

    def ratios(self, y: Array) -> Array:
        """The variance ratio s_family^2 / s_base^2 of each outcome (rows of ``y``), by REML.

        0 where the families' variance cannot be told from the bases', one base in each.
        """
        if not self.within.shape[1] and np.ptp(self.eigenvalues) < 1e-9:
            return np.zeros(len(y))
        squares, rest = (y @ self.basis) ** 2, ((y @ self.within) ** 2).sum(axis=1)
        shares = np.linspace(0, MOST, SHARES)
        values = np.stack([self._deviance(squares, rest, np.full(len(y), s)) for s in shares])
        best = values.argmin(axis=0)
        low = shares[np.maximum(best - 1, 0)]
        high = shares[np.minimum(best + 1, SHARES - 1)]
        golden = (np.sqrt(5) - 1) / 2
        first, second = high - golden * (high - low), low + golden * (high - low)
        at_first = self._deviance(squares, rest, first)
        at_second = self._deviance(squares, rest, second)
        for _ in range(STEPS):
            left = at_first < at_second
            low, high = np.where(left, low, first), np.where(left, second, high)
            tried = np.where(left, high - golden * (high - low), low + golden * (high - low))
            value = self._deviance(squares, rest, tried)
            first, second = np.where(left, tried, second), np.where(left, first, tried)
            at_first, at_second = np.where(left, value, at_second), np.where(left, at_first, value)
        found = (low + high) / 2
        # The search never quite reaches an end: zero is taken where it is as good.
        zero = values[0] <= self._deviance(squares, rest, found)
        found = np.where(zero | (found < SINGULAR), 0.0, found)
        return np.asarray(found / (1 - found))

    def _deviance(self, squares: Array, rest: Array, share: Array) -> Array:
        """-2 log restricted likelihood, the bases' variance profiled out, up to a constant."""
        scale = 1 + (share / (1 - share))[:, None] * self.eigenvalues
        variance = (squares / scale).sum(axis=1) + rest
        width = squares.shape[1] + self.within.shape[1]
        return np.asarray(np.log(scale.prod(axis=1)) + width * np.log(np.maximum(variance, 1e-300)))

    def variances(self, y: Array) -> tuple[Array, Array]:
        """s_family^2 and s_base^2 of each outcome, by REML."""
        ratios = self.ratios(y)
        scale = 1 + ratios[:, None] * self.eigenvalues
        total = ((y @ self.basis) ** 2 / scale).sum(axis=1) + ((y @ self.within) ** 2).sum(axis=1)
        base = total / (self.basis.shape[1] + self.within.shape[1])
        return ratios * base, base

    def weights(self, y: Array) -> Array:
        """s_base^2 over the variance of each family's mean: outcomes by families."""
        return np.asarray(self.sizes / (1 + self.ratios(y)[:, None] * self.sizes))

    def fit(self, means: Array, weights: Array) -> tuple[Array, Array]:
        """The weighted least squares coefficients, and (X'WX)^-1, of each outcome."""
        inverse = np.linalg.inv(np.einsum("rf,fa,fb->rab", weights, self.x, self.x))
        beta = np.einsum("rab,rf,fb,rf->ra", inverse, weights, self.x, means)
        return beta, inverse


@dataclass(frozen=True)
class Effects:
    """One coefficient of each outcome; ``beta`` holds all of them (outcomes by coefficients)."""

    value: Array
    error: Array
    df: int
    beta: Array

    def p(self) -> Array:
        """Two-sided p values of no effect."""
        from scipy.stats import t

        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(self.value) / self.error
        # No difference and no scatter: nothing speaks against no effect.
        return np.asarray(2 * t.sf(np.nan_to_num(ratio, nan=0.0, posinf=np.inf), self.df))

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """The intervals' ends."""
        from scipy.stats import t

        reach = float(t.ppf((1 + level) / 2, self.df)) * self.error
        return np.asarray(self.value - reach), np.asarray(self.value + reach)


def effects(design: Design, y: Array, column: int) -> Effects:
    """The coefficient of ``column`` for each outcome, a row of ``y`` (outcomes by bases)."""
    means, ratios = design.means(y), design.ratios(y)
    weights = design.sizes / (1 + ratios[:, None] * design.sizes)
    beta, inverse = design.fit(means, weights)
    scatter = (weights * (means - beta @ design.x.T) ** 2).sum(axis=1) / design.df
    variance = inverse[:, column, column] + _added(design, ratios, weights, inverse, column)
    # Families that are all alike differ by rounding only: that is no scatter.
    least = 1e-12 * np.abs(means).max(axis=1)
    error = np.sqrt(variance * scatter)
    beta[:, column] = np.where(np.abs(beta[:, column]) < least, 0.0, beta[:, column])
    return Effects(beta[:, column], np.where(error < least, 0.0, error), design.df, beta)


def _added(design: Design, ratios: Array, weights: Array, inverse: Array, column: int) -> Array:
    """What Kenward and Roger add to a coefficient's variance, in units of s_base^2.

    V of the families' means is s_family^2 I + s_base^2 diag(1 / n); the variances' own covariance
    is the inverse of their expected information in all bases.
    """
    scale = 1 + ratios[:, None] * design.eigenvalues
    information = np.empty((len(ratios), 2, 2))
    information[:, 0, 0] = ((design.eigenvalues / scale) ** 2).sum(axis=1) / 2
    crossed = (design.eigenvalues / scale**2).sum(axis=1) / 2
    information[:, 0, 1] = information[:, 1, 0] = crossed
    information[:, 1, 1] = ((1 / scale**2).sum(axis=1) + design.within.shape[1]) / 2
    # With one base a family the two variances are one: the pseudo-inverse splits it.
    spread = np.linalg.pinv(information, hermitian=True)
    slopes = (np.ones_like(design.sizes), 1 / design.sizes)
    reach = inverse[:, column, :] @ design.x.T
    moved = [np.einsum("rf,f,fa->ra", weights**2 * reach, slope, design.x) for slope in slopes]
    added = np.zeros(len(ratios))
    for i, one in enumerate(slopes):
        for j, other in enumerate(slopes):
            within = (weights**3 * one * other * reach**2).sum(axis=1)
            within -= np.einsum("ra,rab,rb->r", moved[i], inverse, moved[j])
            added += 2 * spread[:, i, j] * within
    return np.maximum(added, 0.0)
