"""Scoring an output until its comparison with a parent is clear, and no longer."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from workbench.compare.looks import LookPlan
from workbench.compare.paired import compare
from workbench.errors import StepFailed

if TYPE_CHECKING:
    from workbench.evaluate.config import SequentialConfig
    from workbench.evaluate.result import Evaluation


class UntilClear:
    """Ends the scoring of a task at the look at which all its scores have a verdict.

    The parent has been scored on all the items that there may be looks at, in the same parts. The
    rule of the verdict is in :mod:`workbench.compare.looks`. Where the two cannot be compared,
    nothing ever is clear, and all looks are taken.
    """

    def __init__(self, parent: Evaluation, config: SequentialConfig) -> None:
        self._parent = parent
        self._config = config

    def clear(self, so_far: Evaluation) -> Collection[str]:
        """The scores whose verdict at the look just taken is other than ``unclear``."""
        try:
            deltas = compare(so_far, self._parent)
        except StepFailed:
            return ()
        return [task for task, delta in deltas.items() if delta.verdict != "unclear"]

    def design(self, ends: tuple[int, ...]) -> dict[str, Any]:
        """The plan of the looks, which the verdict of the record is computed from again."""
        return self._plan(ends).as_dict()

    def quantile(self, ends: tuple[int, ...], look: int) -> float:
        """That of the score's own interval: valid for the same reason as the difference's."""
        return self._plan(ends).reach(look, 0.05, 2)

    def _plan(self, ends: tuple[int, ...]) -> LookPlan:
        config = self._config
        return LookPlan(ends, config.alpha, config.spending, config.margin)
