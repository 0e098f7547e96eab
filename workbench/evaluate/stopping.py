"""What ends a scoring early: asked between two looks at a growing sample."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation


class Stopping(Protocol):
    """Decides which scores need no more items, by a design laid down before the first look."""

    def clear(self, so_far: Evaluation) -> Collection[str]:
        """The names of the scores about which enough is known after the look just taken."""
        ...

    def design(self, ends: tuple[int, ...]) -> dict[str, Any]:
        """What was laid down for a score whose looks end at so many items, in JSON's own types."""
        ...

    def quantile(self, ends: tuple[int, ...], look: int) -> float:
        """The normal quantile of a 95% interval that allows for all looks, at ``look`` (from 1)."""
        ...
