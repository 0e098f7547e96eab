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
    done: set[str] = set()
    order: list[Node] = []
    current = ""
    while waiting:
        ready = [node for node in waiting if done.issuperset(node.parents)]
        node = next((n for n in ready if _needs(plan, n) == {current}), ready[0])
        current = _root(plan, node)
        waiting.remove(node)
        done.add(node.id)
        order.append(node)
    return order


def _root(plan: Plan, node: Node) -> str:
    """The id of the node whose weights are in memory after ``node`` was scored."""
    while node.kind in ("finetune", "relayer", "scan"):
        node = plan.nodes[node.parents[0]]
    return node.id


def _needs(plan: Plan, node: Node) -> set[str]:
    """The roots whose weights making ``node`` takes: a merge takes those of all its parents."""
    if node.kind == "merge":
        return {_root(plan, plan.nodes[parent]) for parent in node.parents}
    return {_root(plan, node)}


def bases_below(plan: Plan, node: Node) -> list[str]:
    """Ids of the bases that ``node`` goes back to (itself, if it is one), each once.

    A merge of merges reaches the same ancestor by many ways; each is walked once.
    """
    seen: dict[str, None] = {}
    ahead = [node.id]
    while ahead:
        here = ahead.pop(0)
        if here not in seen:
            seen[here] = None
            ahead.extend(plan.nodes[here].parents)
    return [i for i in seen if plan.nodes[i].kind == "base"]
