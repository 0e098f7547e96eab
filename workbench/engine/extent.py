"""On how many items a node is scored: the limit, all of them, or as few as its verdict takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.evaluate.config import EvaluateConfig
    from workbench.recipe.plan import Node, Plan


@dataclass(frozen=True)
class Extent:
    """``whole``: all items after the limit's. ``against``: until the comparison with it is clear.

    Both are false for what is scored on the limit, no more and no less.
    """

    whole: bool = False
    against: Node | None = None

    def facts(self, settings: EvaluateConfig) -> dict[str, Any]:
        """What it adds to the settings that an evaluation's key is made of: often nothing."""
        looks = settings.sequential
        return {
            **({"whole": True} if self.whole else {}),
            **({"looks": looks.looks} if looks and self.against is None else {}),
            **({"sequential": looks.model_dump(mode="json")} if looks and self.against else {}),
        }


def extent_of(plan: Plan, node: Node, settings: EvaluateConfig) -> Extent:
    """How far ``node`` is scored under ``settings``.

    With ``sequential``, an output is scored look after look until it is better, worse or (where a
    margin is set) equivalent to its first parent on every task; a task that is clear before the
    others is not scored further. Scored to the end of the limit are:

    - bases, and outputs that something else is made from: their items are what others are compared
      on, and may not end on account of their own verdict;
    - outputs that the recipe holds against a published entry: their own score is what counts.

    With ``parents_whole``, bases are scored on the rest of the items too.
    """
    whole = node.kind == "base" and settings.parents_whole
    if settings.sequential is None or not node.parents:
        return Extent(whole)
    has_children = any(node.id in other.parents for other in plan.nodes.values())
    claimed = any(claim.output == node.name for claim in plan.claims)
    if has_children or claimed:
        return Extent(whole)
    return Extent(against=plan.nodes[node.parents[0]])
