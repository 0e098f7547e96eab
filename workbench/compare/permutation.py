"""A group's coefficient against groups dealt out anew to whole families.

A check that needs no distribution: if the group (the country, say) meant nothing, any families
might have been those of the group. The statistic is the studentised generalised least squares score
of the group under the model without it, which depends on the rows through their families alone, so
that thousands of deals cost nothing. Few families are dealt out in every way there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.mixed.reml import RemlFit

DEALS = 9999


@dataclass(frozen=True)
class Permuted:
    """``p`` of as large a statistic, over ``deals`` ways to deal out the countries.

    ``every``: these are all the ways there are. The smallest p that so few families allow is
    ``1 / deals`` then.
    """

    p: float
    deals: int
    every: bool

    def json(self) -> dict[str, float | int | bool]:
        """For results.json."""
        return {"p": self.p, "deals": self.deals, "every": self.every}


def deal(count: int, chosen: int, *, seed: int, most: int = DEALS) -> tuple[Array, bool]:
    """Ways to choose families, a row of 0 and 1 each, and whether they are all there are."""
    ways = comb(count, chosen)
    every = ways <= most
    deals = np.zeros((ways if every else most, count))
    if every:
        for row, families_chosen in enumerate(combinations(range(count), chosen)):
            deals[row, list(families_chosen)] = 1
    else:
        rng = np.random.default_rng(seed)
        order = rng.random(deals.shape).argsort(axis=1)
        deals[np.arange(len(deals))[:, None], order[:, :chosen]] = 1
    return deals, every


def least_p(count: int, chosen: int, *, most: int = DEALS) -> float:
    """The smallest p that ``chosen`` of ``count`` families allow.

    Where both sides have as many families, the deal that swaps them is as extreme.
    """
    ways = comb(count, chosen)
    return (2 if 2 * chosen == count else 1) / ways if ways <= most else 1 / (most + 1)


def permute_families(null: RemlFit, country: Array, families: Factor, *, seed: int) -> Permuted:
    """Two-sided p of ``country`` (0/1 by row, constant in a family) under the fit without it."""
    chinese = families.sums(country) > 0
    count, chosen = families.levels, int(chinese.sum())
    indicator = families.dense()
    vf = null.solve(indicator)
    vx = null.solve(null.x)
    score = indicator.T @ null.solve(null.y - null.x @ null.beta)
    cross = indicator.T @ vx
    spread = indicator.T @ vf - cross @ null.covariance @ cross.T
    deals, every = deal(count, chosen, seed=seed)
    # A deal that the controls can tell completely has no variance left: it is no evidence.
    observed = _statistic(chinese[None, :].astype(float), score, spread)[0]
    against = _statistic(deals, score, spread)
    as_large = int((against >= observed * (1 - 1e-9)).sum())
    p = as_large / len(deals) if every else (as_large + 1) / (len(deals) + 1)
    return Permuted(float(p), len(deals), every)


def _statistic(deals: Array, score: Array, spread: Array) -> Array:
    top = (deals @ score) ** 2
    bottom = np.einsum("ij,jk,ik->i", deals, spread, deals)
    return np.where(bottom > 1e-9, top / np.maximum(bottom, 1e-9), 0.0)


def permute_means(
    means: Array, weights: Array, x: Array, chosen: Array, deals: Array, *, every: bool
) -> Array:
    """Two-sided p of the group for each outcome, from its families' means.

    ``means`` and ``weights`` are outcomes by families, the weights those of the model without the
    group, whose regressors ``x`` are (families by coefficients); ``chosen`` is 1 for the families
    of the group. With these weights the statistic orders deals as the group's t does.
    """
    observed = means_statistic(means, weights, x, chosen[None, :].astype(float))
    as_large = (means_statistic(means, weights, x, deals) >= observed * (1 - 1e-9)).sum(axis=1)
    return np.asarray(as_large / len(deals) if every else (as_large + 1) / (len(deals) + 1))


def means_statistic(means: Array, weights: Array, x: Array, deals: Array) -> Array:
    """The squared score of each deal over its variance under the null: outcomes by deals."""
    inverse = np.linalg.inv(np.einsum("rf,fa,fb->rab", weights, x, x))
    beta = np.einsum("rab,rf,fb,rf->ra", inverse, weights, x, means)
    score = weights * (means - beta @ x.T)
    crossed = weights[:, :, None] * x
    shared = [crossed[:, :, a] @ deals.T for a in range(x.shape[1])]
    spread = weights @ deals.T
    # A deal that the regressors can tell completely has no variance left: it is no evidence.
    least = 1e-9 * spread.max(axis=1, keepdims=True)
    for a, one in enumerate(shared):
        for b, other in enumerate(shared):
            spread = spread - inverse[:, a, b, None] * one * other
    top = (score @ deals.T) ** 2
    return np.where(spread > least, top / np.maximum(spread, least), 0.0)
