"""What a merge will need: memory, disk and time."""

from __future__ import annotations

import math

from workbench.recipe.machine import Machine
from workbench.recipe.needs import OUTPUT_SECONDS, PROCESS_BYTES, Estimate, Root, after, side
from workbench.recipe.plan import Node, Plan
from workbench.recipe.sizes import Dimensions, human_bytes


def merging_needs(
    node: Node,
    root: Root,
    dims: Dimensions,
    machine: Machine,
    parents: list[Root],
    plan: Plan,
) -> Estimate:
    """The needs of the merge at ``node`` of ``parents``, whose result has ``dims``."""
    whole = math.ceil(after(node, root, dims).size.parameters * root.size.stored_bytes)
    written = sum(
        math.ceil(p.size.parameters * p.size.stored_bytes)
        for p, i in zip(parents, node.parents, strict=False)
        if plan.nodes[i].kind in ("finetune", "relayer")
    )
    largest = dims.vocabulary * dims.hidden * root.size.stored_bytes
    # A parent is made whole before the merge; then the result grows while tensors pass through.
    memory = 2 * whole + len(parents) * largest + PROCESS_BYTES
    moved = whole + 2 * written + sum(p.size.parameters * p.size.stored_bytes for p in parents)
    seconds = OUTPUT_SECONDS + moved / machine.disk_bytes_a_second
    note = f"a checkpoint of {human_bytes(whole)}"
    if written:
        note += "; parents are written out first"
    return Estimate(math.ceil(memory), whole + side(dims), seconds, note, scratch_bytes=written)
