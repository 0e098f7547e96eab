"""The order of work: parents first, and all that shares a base in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.recipe.plan import Node, Plan


def by_root(plan: Plan) -> list[Node]:
    """Every node after its parents; among those that are ready, one of the base in memory first.

    A base is then loaded once for everything that is made from it alone, and a merge of outputs of
    two bases waits until both families are done.
    """
    waiting = list(plan.nodes.values())
    roots = {node.id: _root(plan, node) for node in waiting}
    done: set[str] = set()
    order: list[Node] = []
    current = ""
    while waiting:
        ready = [node for node in waiting if done.issuperset(node.parents)]
        node = next((n for n in ready if roots[n.id] == current), ready[0])
        current = roots[node.id]
        waiting.remove(node)
        done.add(node.id)
        order.append(node)
    return order


def _root(plan: Plan, node: Node) -> str:
    """The id of the node whose weights are in memory while ``node`` is worked on."""
    while node.kind in ("finetune", "relayer"):
        node = plan.nodes[node.parents[0]]
    return node.id
