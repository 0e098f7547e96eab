"""Random intercepts through their levels: what a mixed model needs of V, without forming V.

V / s_e^2 = I + sum_k t_k Z_k Z_k' has a row and a column an entry; its inverse and determinant
follow from a matrix over the levels (Woodbury). The factor with most levels has a diagonal block
there and is eliminated first, so that what is left to factorise has the size of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Factor:
    """A random intercept: each row's level, 0 to ``levels`` - 1."""

    name: str
    codes: npt.NDArray[np.int64]
    levels: int

    @classmethod
    def of(cls, name: str, labels: Sequence[object]) -> Factor:
        """The factor of a column of labels."""
        found, codes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
        return cls(name, codes.astype(np.int64), len(found))

    @cached_property
    def transposed(self) -> Any:
        """Z', levels by rows, sparse."""
        from scipy.sparse import csr_array

        rows = len(self.codes)
        where = (self.codes, np.arange(rows))
        return csr_array((np.ones(rows), where), shape=(self.levels, rows))

    def sums(self, values: Array) -> Array:
        """Z'A: the sums of ``values``' rows (vector or matrix) by level."""
        return np.asarray(self.transposed @ values)

    def dense(self) -> Array:
        """Z as a matrix of rows by levels."""
        return np.asarray(self.transposed.toarray().T)


class Meetings:
    """How the factors' levels meet in the rows; computed once, whatever the variances."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.order = sorted(range(len(factors)), key=lambda k: -factors[k].levels)
        self.first = factors[self.order[0]]
        self.rest = [factors[k] for k in self.order[1:]]
        self.sizes = np.bincount(self.first.codes, minlength=self.first.levels)
        rows = len(self.first.codes)
        z = np.hstack([np.zeros((rows, 0)), *(factor.dense() for factor in self.rest)])
        self.cross = self.first.sums(z)
        self.square = z.T @ z
        ends = np.cumsum([0, *(factor.levels for factor in self.rest)])
        self.blocks = [slice(a, b) for a, b in pairwise(ends)]


class Levels:
    """V / s_e^2 at given ratios s_k / s_e, in the order of the factors."""

    def __init__(self, meetings: Meetings, ratios: Array) -> None:
        from scipy.linalg import cho_factor

        self._at = meetings
        self._r1 = float(ratios[meetings.order[0]])
        self._scale = np.repeat(
            ratios[meetings.order[1:]], np.array([f.levels for f in meetings.rest], dtype=int)
        )
        self._diagonal = 1 + self._r1**2 * meetings.sizes
        b = meetings.cross * self._r1 * self._scale
        self._b = b / self._diagonal[:, None]
        left = meetings.square * np.outer(self._scale, self._scale) - b.T @ self._b
        left[np.diag_indices_from(left)] += 1
        self._left = cho_factor(left, lower=True, check_finite=False)
        self.logdet = float(np.log(self._diagonal).sum())
        self.logdet += 2 * float(np.log(np.diag(self._left[0])).sum())

    def solve(self, values: Array) -> Array:
        """(V / s_e^2)^-1 A for rows ``values``, a vector or a matrix."""
        from scipy.linalg import cho_solve

        flat = values.reshape(len(values), -1)
        first, rest = self._at.first, self._at.rest
        t1 = self._r1 * first.sums(flat)
        sums = np.vstack([np.zeros((0, flat.shape[1])), *(f.sums(flat) for f in rest)])
        t2 = self._scale[:, None] * sums
        u2 = cho_solve(self._left, t2 - self._b.T @ t1, check_finite=False)
        u1 = t1 / self._diagonal[:, None] - self._b @ u2
        out = flat - self._r1 * u1[first.codes]
        scaled = self._scale[:, None] * u2
        for factor, block in zip(rest, self._at.blocks, strict=True):
            out -= scaled[block][factor.codes]
        return np.asarray(out.reshape(values.shape))

    def traces(self, ratios: Array) -> Array:
        """tr(Z_k' (V / s_e^2)^-1 Z_k) of each factor; the ratios must be positive.

        With M the matrix over the levels, R Z'V^-1 Z R = I - M^-1.
        """
        from scipy.linalg import cho_solve

        inverse = cho_solve(self._left, np.eye(len(self._scale)), check_finite=False)
        found = np.zeros(len(ratios))
        first, *others = self._at.order
        of_first = float((1 / self._diagonal).sum() + ((self._b @ inverse) * self._b).sum())
        found[first] = (self._at.first.levels - of_first) / ratios[first] ** 2
        for k, factor, block in zip(others, self._at.rest, self._at.blocks, strict=True):
            own = float(np.trace(inverse[block, block]))
            found[k] = (factor.levels - own) / ratios[k] ** 2
        return found
