"""The test that a study's verdicts rest on: one group of families against the others.

Used for the estimates of a study, for what a design can detect, and by the simulation that checks
both: the same code, so that what ``check`` promises is what the study does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.mixed.nested import METHOD, Design, Effects, effects
from workbench.compare.permutation import DEALS, deal, least_p, permute_means

Mask = npt.NDArray[np.bool_]

#: With fewer families together, nothing tells families from groups.
FEWEST = 4

__all__ = ["DEALS", "FEWEST", "METHOD", "Contrast", "Found", "cannot"]


def cannot(families_asked: int, families_other: int, alpha: float, most: int = DEALS) -> str:
    """Why so many families cannot tell a difference between groups; empty where they can."""
    few = min(families_asked, families_other)
    if few == 0:
        return "one of the groups has no base: there is nothing to compare with"
    if few == 1:
        return "one of the groups has one family: nothing tells the family from the group"
    together = families_asked + families_other
    if together < FEWEST:
        return f"{together} families are too few to tell how families differ"
    least = least_p(together, families_asked, most=most)
    if least > alpha:
        return (
            f"{families_asked} and {families_other} families can be dealt into groups in so few "
            f"ways that the smallest p is {least:.3f}, above {alpha:g}"
        )
    return ""


@dataclass(frozen=True)
class Found:
    """The group's difference in each outcome, and the permutation's p where it was asked for."""

    effects: Effects
    p_permutation: Array | None

    def differs(self, alpha: float) -> Mask:
        """Where the interval excludes zero and the permutation agrees."""
        low, high = self.effects.interval(1 - alpha)
        apart: Mask = (low > 0) | (high < 0)
        return apart if self.p_permutation is None else apart & (self.p_permutation <= alpha)


class Contrast:
    """The bases of two groups: ``asked`` is 1 in the group asked about, ``families`` by base.

    ``covariates`` are columns, a value a base.

    Raises:
        ValueError: too few families for the coefficients, or columns that determine each other.
    """

    def __init__(
        self,
        asked: Array,
        families: Factor,
        covariates: tuple[Array, ...] = (),
        *,
        seed: int = 0,
        most: int = DEALS,
    ) -> None:
        self.asked = asked
        ones = np.ones(len(asked))
        centred = [column - column.mean() for column in covariates]
        self.design = Design(np.column_stack([ones, asked, *centred]), families)
        self.null = Design(np.column_stack([ones, *centred]), families)
        self.chosen = self.design.x[:, 1]
        count, chosen = families.levels, int(self.chosen.sum())
        self.deals, self.every = deal(count, chosen, seed=seed, most=most)
        self.least = least_p(count, chosen, most=most)

    def effects(self, values: Array) -> Effects:
        """The difference in each outcome: rows of ``values``, a column a base."""
        return effects(self.design, values, 1)

    def find(self, values: Array) -> Found:
        """The difference in each outcome, with the permutation's p."""
        return Found(self.effects(values), self.permuted(values))

    def value(self, values: Array) -> float:
        """The difference in one outcome, a value a base."""
        return float(self.effects(values[None, :]).value[0])

    def slope(self, values: Array) -> float:
        """The slope of one outcome on the first covariate."""
        return float(self.effects(values[None, :]).beta[0, 2])

    def permuted(self, values: Array) -> Array:
        """The permutation's p of each outcome."""
        return permute_means(
            self.null.means(values),
            self.null.weights(values),
            self.null.x,
            self.chosen,
            self.deals,
            every=self.every,
        )

    def differs(self, values: Array, alpha: float) -> Mask:
        """As :meth:`Found.differs`, dealing only where the interval excludes zero."""
        found = Found(self.effects(values), None).differs(alpha)
        if found.any():
            found[found] = self.permuted(values[found]) <= alpha
        return found
