"""The country's coefficient against countries dealt out anew to whole families.

A check that needs no distribution: if country meant nothing, any families might have been the
Chinese ones. The statistic is the studentised generalised least squares score of the country under
the model without it, which depends on the rows through their families alone, so that thousands of
deals cost nothing. Few families are dealt out in every way there is.
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
    ways = comb(count, chosen)
    every = ways <= DEALS
    deals = np.zeros((ways if every else DEALS, count))
    if every:
        for row, families_chosen in enumerate(combinations(range(count), chosen)):
            deals[row, list(families_chosen)] = 1
    else:
        rng = np.random.default_rng(seed)
        order = rng.random(deals.shape).argsort(axis=1)
        deals[np.arange(len(deals))[:, None], order[:, :chosen]] = 1
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
