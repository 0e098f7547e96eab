"""Whether there is room for a plan: disk (refused where there is not) and memory (a warning)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.errors import Problem
from workbench.recipe.estimate import Estimate, estimate, totals
from workbench.recipe.machine import Machine, disk_free
from workbench.recipe.plan import Node, Plan
from workbench.recipe.sizes import human_bytes


def made(plan: Plan, home: Path) -> dict[str, Path]:
    """The folders of the outputs that are there already, by node id."""
    found = {}
    for node in plan.nodes.values():
        if node.kind != "base":
            folder = home / "adapters" / f"{node.name}-{node.key}"
            if (folder / "output.json").is_file():
                found[node.id] = folder
    return found


def to_make(plan: Plan, home: Path) -> list[Node]:
    """The outputs that are not there yet."""
    there = made(plan, home)
    return [n for n in plan.nodes.values() if n.kind != "base" and n.id not in there]


def disk_problems(
    plan: Plan, home: Path, estimates: Mapping[str, Estimate] | None = None
) -> list[Problem]:
    """A problem if what is still to be made does not fit on the disk of ``home``."""
    ahead = to_make(plan, home)
    if not ahead:
        return []
    estimates = estimates or estimate(plan)
    needed = totals(estimates, {node.id for node in ahead})["disk_bytes"]
    free = disk_free(home)
    if needed <= free:
        return []
    largest = max(ahead, key=lambda node: estimates[node.id].disk_bytes or 0)
    return [
        Problem(
            f"the disk of {home} has {human_bytes(free)} free; "
            f"the outputs need about {human_bytes(needed)}",
            f"{largest.id} is the largest: {human_bytes(estimates[largest.id].disk_bytes or 0)}",
            "free some space, or name another place with --home",
        )
    ]


def memory_warnings(
    plan: Plan, machine: Machine, estimates: Mapping[str, Estimate]
) -> list[Problem]:
    """A warning for each base or output whose predicted peak is above the memory that is free."""
    free = machine.working_memory
    where = f"the GPU ({machine.gpu})" if machine.gpu else "this machine"
    warnings = []
    for node in plan.nodes.values():
        needed = estimates[node.id].memory_bytes
        if needed is not None and needed > free:
            remedy = "use a machine with more memory"
            if node.kind == "finetune":
                remedy = (
                    "set load_in_4bit on its base, gradient_checkpointing, or a smaller "
                    "micro_batch_size or sequence_len"
                )
            elif node.kind == "base":
                remedy = "set load_in_4bit on it"
            warnings.append(
                Problem(
                    f"{node.id} needs about {human_bytes(needed)} of memory, "
                    f"{where} has {human_bytes(free)} free",
                    "an estimate: it may fit all the same",
                    remedy,
                )
            )
    return warnings
