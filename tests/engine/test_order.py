"""The order of work: parents first, and each base's family in one go."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.order import by_root


@dataclass(frozen=True)
class Node:
    id: str
    kind: str
    parents: tuple[str, ...] = ()


@dataclass
class Plan:
    nodes: dict[str, Node] = field(default_factory=dict)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 4))
    nodes = {f"b{n}": Node(f"b{n}", "base") for n in range(count)}
    for n in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["finetune", "relayer", "merge"]))
        size = draw(st.integers(2, 3)) if kind == "merge" else 1
        parents = tuple(draw(st.sampled_from(sorted(nodes))) for _ in range(size))
        nodes[f"o{n}"] = Node(f"o{n}", kind, parents)
    return Plan(nodes)


@given(plans())
def test_each_node_once_and_after_its_parents(plan: Plan) -> None:
    order = [node.id for node in by_root(plan)]
    assert sorted(order) == sorted(plan.nodes)
    for node in plan.nodes.values():
        assert all(order.index(parent) < order.index(node.id) for parent in node.parents)


@given(plans())
def test_without_merges_every_base_is_in_memory_for_one_stretch(plan: Plan) -> None:
    simple = Plan({i: n for i, n in plan.nodes.items() if n.kind != "merge"})
    simple.nodes = {
        i: n for i, n in simple.nodes.items() if all(p in simple.nodes for p in n.parents)
    }

    def root(node: Node) -> str:
        return root(simple.nodes[node.parents[0]]) if node.parents else node.id

    def whole(node: Node) -> bool:
        return node.kind == "base" or (
            node.parents[0] in simple.nodes and whole(simple.nodes[node.parents[0]])
        )

    simple.nodes = {i: n for i, n in simple.nodes.items() if whole(n)}
    stretches = []
    for node in by_root(simple):
        if not stretches or stretches[-1] != root(node):
            stretches.append(root(node))
    assert len(stretches) == len(set(stretches))
