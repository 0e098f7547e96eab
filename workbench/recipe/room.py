"""Whether there is room for a plan: disk (refused where there is not) and memory (a warning)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from workbench.bases.config import BaseConfig
from workbench.errors import Problem
from workbench.finetune.config import FinetuneConfig
from workbench.merge.config import MergeConfig
from workbench.recipe.catalogued import base_dimensions
from workbench.recipe.estimate import Estimate, estimate, totals
from workbench.recipe.machine import Machine, disk_free, this_machine
from workbench.recipe.plan import Node, Plan
from workbench.recipe.sizes import base_size, human_bytes, loaded_bytes
from workbench.scan.config import ScanConfig


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
    plan: Plan,
    machine: Machine | None = None,
    estimates: Mapping[str, Estimate] | None = None,
    there: Collection[str] = (),
    scored: Collection[str] = (),
) -> list[Problem]:
    """A warning for each base or output whose predicted peak is above the memory that is free.

    Of the nodes to be ``scored``, the one that needs most then is told, where the weights fit.

    Without ``machine`` and ``estimates`` this machine is asked, which takes a moment and no torch.
    ``there`` are the ids of outputs that are made already. Seeds of one output need the same and
    are told once.
    """
    machine = machine or this_machine()
    estimates = estimates or estimate(plan, machine)
    warnings: dict[str, Problem] = {}
    for node in plan.nodes.values():
        needed = estimates[node.id].memory_bytes
        free, where = _place(node, machine, estimates[node.id].weights_bytes)
        if needed is None or node.id in there or node.name in warnings:
            continue
        if needed > free:
            warnings[node.name] = Problem(
                f"{node.name} needs about {human_bytes(needed)} of memory, "
                f"{where} {human_bytes(free)} free",
                "an estimate: it may fit all the same",
                _remedy(plan, node, machine, estimates, needed - free),
            )
            continue
        cost = estimates[node.id].scan
        if cost is not None and cost.too_small is not None:
            warnings[node.name] = Problem(
                f"{node.name}: memory_gib is {node.config.memory_gib:g} and one path over the "
                f"longest prompt needs about {cost.too_small:.2g}",
                "an estimate: a scan stops there before it measures anything",
                f"set memory_gib to {cost.too_small * 1.2:.2g} or more",
            )
    found = list(_of_each_treatment(plan, warnings, estimates).values())
    return found or _scoring_warning(plan, machine, estimates, scored)


def _of_each_treatment(
    plan: Plan, warnings: Mapping[str, Problem], estimates: Mapping[str, Estimate]
) -> dict[str, Problem]:
    """``warnings`` by output; of those of one treatment of a study only the worst."""
    if plan.study is None:
        return dict(warnings)
    treatments = {cell.output: cell.treatment for cell in plan.study.cells}
    needed = {node.name: estimates[node.id].memory_bytes or 0 for node in plan.nodes.values()}
    worst: dict[str, str] = {}
    for name in warnings:
        treatment = treatments.get(name)
        if treatment is not None and needed[name] > needed.get(worst.get(treatment, ""), 0):
            worst[treatment] = name
    found = {}
    for name, warning in warnings.items():
        treatment = treatments.get(name)
        if treatment is None:
            found[name] = warning
        elif worst[treatment] == name:
            others = sum(treatments.get(each) == treatment for each in warnings) - 1
            more = f"; {others} more outputs of the study need too much" if others else ""
            found[name] = replace(warning, fact=warning.fact + more)
    return found


def _scoring_warning(
    plan: Plan, machine: Machine, estimates: Mapping[str, Estimate], scored: Collection[str]
) -> list[Problem]:
    costs = {i: cost for i in scored if (cost := estimates[i].scoring) is not None}
    if not costs:
        return []
    most = max(costs, key=lambda i: costs[i].on_a_card)
    cost = costs[most]
    # Weights may lie on several cards; a batch is worked on by one.
    free, where = _room_of_weights(machine, 0)
    if cost.on_a_card <= free:
        return []
    size = "1 item" if cost.batch_size == 1 else f"{cost.batch_size} items"
    share = f" and {1 / cost.cards:.0%} of the weights" if cost.cards > 1 else ""
    fitting = math.floor(cost.batch_size * (free - cost.on_a_card + cost.held) / cost.held)
    smaller = f"set batch_size under evaluate to {fitting}"
    return [
        Problem(
            f"scoring {plan.nodes[most].name} needs about {human_bytes(cost.on_a_card)} of memory "
            f"for {size} at a time{share}, {where} {human_bytes(free)} free",
            "an estimate: it may fit all the same",
            smaller if fitting >= 1 else "use a GPU with more memory, or set load_in_4bit",
        )
    ]


def _place(node: Node, machine: Machine, weights: int) -> tuple[int, str]:
    """Free memory where ``node`` is made, and the name of that place with "has"."""
    # mergekit works in the machine's memory unless it is told otherwise.
    off_gpu = isinstance(node.config, MergeConfig) and node.config.options.device == "cpu"
    if machine.gpu and off_gpu:
        return machine.memory_free, "its host has" if machine.assumed else "this machine has"
    return _room_of_weights(machine, weights)


def _room_of_weights(machine: Machine, weights: int) -> tuple[int, str]:
    """Free memory where so many bytes of weights go, and the name of that place with "has"."""
    if machine.gpu:
        if machine.spreads(weights):
            return machine.cards * machine.gpu_free, f"the GPUs ({machine.gpus}) have"
        return machine.gpu_free, f"the GPU ({machine.gpu}) has"
    return machine.memory_free, "its host has" if machine.assumed else "this machine has"


def _remedy(
    plan: Plan,
    node: Node,
    machine: Machine,
    estimates: Mapping[str, Estimate],
    lacking: int,
) -> str:
    """What would bring ``lacking`` bytes, of what the recipe does not do yet."""
    base = _base_below(plan, node)
    larger = f"use a {'GPU' if machine.gpu else 'machine'} with more memory, or a smaller base"
    ways = []
    if isinstance(node.config, MergeConfig):
        if machine.gpu and node.config.options.device != "cpu":
            ways.append("set options: {device: cpu} on the merge")
        return _either([*ways, "use a machine with more memory, or smaller models"])
    if isinstance(node.config, ScanConfig):
        cost = estimates[node.id].scan
        if cost is not None and cost.held - lacking > 0.25 * cost.held:
            smaller = math.floor((cost.held - lacking) / 2**30 * 10) / 10
            if smaller > 0:
                ways.append(f"set memory_gib: {smaller:g} (it takes longer)")
        if node.config.workers > machine.cards:
            ways.append("use fewer workers")
        if base is not None and base.id in node.parents and not node.config.streamed:
            ways.append("set streamed: true (layers are then read from disk, which takes longer)")
    if base is not None and _saved_by_4bit(plan, base) >= lacking:
        ways.append("set load_in_4bit on its base" if node is not base else "set load_in_4bit")
    if isinstance(node.config, FinetuneConfig):
        config = node.config
        weights = estimates[base.id].memory_bytes if base is not None else None
        if weights is not None and lacking >= (estimates[node.id].memory_bytes or 0) - weights:
            return _either([*ways, larger])  # the weights alone are too large
        if not config.gradient_checkpointing:
            ways.append("set gradient_checkpointing: true")
        if config.micro_batch_size > 1:
            ways.append("make micro_batch_size smaller (and gradient_accumulation_steps larger)")
        ways.append("make sequence_len shorter")
    return _either([*ways, larger])


def _either(ways: list[str]) -> str:
    return "; or ".join(ways)


def _base_below(plan: Plan, node: Node) -> Node | None:
    """The base whose weights ``node`` runs on; ``None`` where those are a merge's."""
    while node.kind != "base":
        if node.kind == "merge":
            return None
        node = plan.nodes[node.parents[0]]
    return node


def _saved_by_4bit(plan: Plan, base: Node) -> int:
    """Bytes that loading ``base`` in 4 bits would save; 0 where it is loaded so."""
    config: BaseConfig = base.config
    known = plan.model_configs.get(base.name)
    size = base_size(config, known)
    if size is None or config.load_in_4bit:
        return 0
    dims = base_dimensions(known, size)
    smaller = config.model_copy(update={"load_in_4bit": True, "load_in_8bit": False})
    return loaded_bytes(size, config, dims) - loaded_bytes(size, smaller, dims)
