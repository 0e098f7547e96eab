"""A study's plan as ``workbench check`` shows it: a line for a treatment, whatever its bases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.study_words import count

if TYPE_CHECKING:
    from workbench.recipe.estimate import Estimate
    from workbench.recipe.plan import Node, Plan
    from workbench.study.design.matrix import Cell


@dataclass(frozen=True)
class Row:
    """One line of the table of needs: a node, or all that a study makes in one way.

    ``memory`` is the largest, ``disk`` and ``seconds`` the sums of what is still to make; ``None``
    where a base's size is not known. ``there`` says that nothing of it is to be made.
    """

    step: str
    memory: int | None
    disk: int | None
    seconds: float | None
    note: str
    there: bool


def rows(plan: Plan, estimates: Mapping[str, Estimate], there: Mapping[str, Path]) -> list[Row]:
    """The lines of ``plan``: each node, and a study's outputs together by how they are made."""
    grouped = ways(plan)
    of = {node.id: way for way, nodes in grouped.items() for node in nodes}
    found = [_row(n, estimates[n.id], there) for n in plan.nodes.values() if n.id not in of]
    return found + [_together(way, nodes, estimates, there) for way, nodes in grouped.items()]


def ways(plan: Plan) -> dict[str, list[Node]]:
    """The nodes of a study's outputs by what their names say beside the base (``tuned-lr0.001``).

    Empty without a study.
    """
    if plan.study is None:
        return {}
    called: dict[str, str] = {}
    for cell in plan.study.cells:
        called.setdefault(cell.output, _called(cell))
    found: dict[str, list[Node]] = {way: [] for way in called.values()}
    for node in plan.nodes.values():
        if node.name in called:
            found[called[node.name]].append(node)
    return {way: nodes for way, nodes in found.items() if nodes}


def base_words(plan: Plan, node: Node, there: Mapping[str, Path]) -> str:
    """What the tree says of a base of a study: its side, and how much is made of it.

    An empty text for a node that is none.
    """
    if plan.study is None or node.name not in plan.study.bases:
        return ""
    facts = plan.study.bases[node.name]
    outputs = {cell.output for cell in plan.study.cells if cell.base == node.name}
    nodes = [each for each in plan.nodes.values() if each.name in outputs]
    made = sum(each.id in there for each in nodes)
    cause = f", planted: {facts.cause}" if facts.cause else ""
    return (
        f"{facts.group}, {facts.family}{cause}; {count(len(nodes), 'output')}, {made} made, "
        f"{len(nodes) - made} to make"
    )


def _called(cell: Cell) -> str:
    return cell.output.removeprefix(f"{cell.base}-")


def _row(node: Node, needs: Estimate, there: Mapping[str, Path]) -> Row:
    done = node.id in there or (node.kind == "base" and needs.disk_bytes == 0)
    return Row(node.id, needs.memory_bytes, needs.disk_bytes, needs.seconds, needs.note, done)


def _together(
    way: str, nodes: list[Node], estimates: Mapping[str, Estimate], there: Mapping[str, Path]
) -> Row:
    ahead = [node for node in nodes if node.id not in there]
    needs = [estimates[node.id] for node in ahead or nodes]
    memory = [each.memory_bytes for each in needs if each.memory_bytes is not None]
    disk = [each.disk_bytes for each in needs if each.disk_bytes is not None]
    seconds = [each.seconds for each in needs if each.seconds is not None]
    bases = len({node.name for node in nodes})
    seeds = len(nodes) // bases
    step = f"{way} x {count(bases, 'base')}" + (f" x {count(seeds, 'seed')}" if seeds > 1 else "")
    unknown = len(needs) - len(memory)
    note = f"{len(nodes) - len(ahead)} made, {len(ahead)} to make" + (
        f", {unknown} of unknown size" if unknown else ""
    )
    return Row(
        step,
        max(memory, default=None),
        sum(disk) if disk else None,
        sum(seconds) if seconds else None,
        note,
        not ahead,
    )
