"""What each step will need: peak memory, disk and time, before anything is loaded.

Estimates by arithmetic, meant to be right within a factor of two for memory and disk and to the
order of magnitude for time. :data:`ASSUMPTIONS` says what they rest on; a run's record shows
predicted beside measured memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.bases.stack import layer_count
from workbench.recipe.catalogued import base_dimensions
from workbench.recipe.machine import Machine, this_machine
from workbench.recipe.merge_cost import merging_needs
from workbench.recipe.needs import OUTPUT_SECONDS, Estimate, Root, after, overhead, side
from workbench.recipe.plan import Node, Plan
from workbench.recipe.scan_cost import scan_cost
from workbench.recipe.scoring_cost import Scoring, data_bytes
from workbench.recipe.sizes import Dimensions, base_size, dimensions, human_count, loaded_bytes
from workbench.recipe.train_cost import training_needs
from workbench.scan.config import ScanConfig

ASSUMPTIONS = (
    "memory: weights + LoRA with optimizer + activations of a full micro batch at sequence_len "
    "+ 0.6 GB for the libraries on a CPU; "
    "time: 20 GFLOP/s a CPU core, 40% of a card's data sheet or 40 TFLOP/s; "
    "time is good to a factor of 5 at best"
)


def estimate(plan: Plan, machine: Machine | None = None) -> dict[str, Estimate]:
    """An :class:`Estimate` for every node of ``plan``, by id."""
    machine = machine or this_machine()
    scoring = None
    if plan.suite is not None and plan.evaluate is not None:
        scoring = Scoring(plan.suite, plan.evaluate, machine)
    roots: dict[str, Root | None] = {}
    found: dict[str, Estimate] = {}
    for node in plan.nodes.values():
        if node.kind == "base":
            root = _root(node, plan)
            needs = _base(root, machine, streamed=_only_streamed(node, plan))
        else:
            root, needs = _made(node, [roots[parent] for parent in node.parents], machine, plan)
        if scoring is not None and root is not None and root.dims is not None:
            cost = scoring.of(
                root.run(root.dims),
                overhead(machine),
                base=not node.parents,
                templated=root.templated,
            )
            needs = replace(needs, scoring=cost)
        roots[node.id], found[node.id] = root, needs
    return found


def _root(node: Node, plan: Plan) -> Root | None:
    config = plan.model_configs.get(node.name)
    size = base_size(node.config, config)
    if size is None:
        return None
    dims = base_dimensions(config, size)
    loaded = loaded_bytes(size, node.config, dims)
    own_layers = dims.layers if dims else 0
    return Root(size, loaded, dims, node.config, own_layers, _templated(node.config))


def _templated(base: BaseConfig) -> bool:
    """Whether a base may have a chat template: false where the catalogue knows that it has none."""
    from workbench.bases.derived import known

    entry = known(base.base_model)
    return base.chat_template is not None or entry is None or entry.chat.template is not False


def _made(
    node: Node, parents: list[Root | None], machine: Machine, plan: Plan
) -> tuple[Root | None, Estimate]:
    """What an output goes back to, and what making it takes."""
    root = parents[0]
    dims = _made_dimensions(node, root, plan.model_configs.get(node.name))
    if root is None or dims is None:
        return None, Estimate(None, None, None, "the base's size is not known yet")
    if node.kind == "finetune":
        needs = training_needs(node, root, dims, machine, plan)
        root = replace(root, templated=root.templated or node.config.chat_template is not None)
    elif node.kind == "relayer":
        needs = _relayer(node, root, dims, machine, plan)
    elif node.kind == "scan":
        needs = _scan(node, root, dims, machine)
    else:
        needs = merging_needs(node, root, dims, machine, [p for p in parents if p], plan)
    return after(node, root, dims), needs


def _made_dimensions(
    node: Node, root: Root | None, config: Mapping[str, Any] | None
) -> Dimensions | None:
    """The sizes of an output: its parent's at the depth that its own config says."""
    if root is None or root.dims is None or (config is None and node.kind == "merge"):
        return None
    if node.kind == "merge" and not root.dims.guessed:
        return dimensions(config)
    layers = layer_count(config) if config else None
    return replace(root.dims, layers=layers or root.dims.layers)


def _only_streamed(node: Node, plan: Plan) -> bool:
    """Whether a base is nowhere loaded whole: all that is made of it are streamed scans."""
    users = [each.config for each in plan.nodes.values() if node.id in each.parents]
    streamed = [isinstance(config, ScanConfig) and config.streamed for config in users]
    return bool(users) and all(streamed) and plan.evaluate is None


def _base(root: Root | None, machine: Machine, *, streamed: bool) -> Estimate:
    if root is None:
        return Estimate(None, None, None, "size not known: neither here nor in the catalogue")
    stored = math.ceil(root.size.parameters * root.size.stored_bytes)
    note = f"{human_count(root.size.parameters)} parameters ({root.size.source})"
    download = 0 if root.size.here else stored
    if download:
        note += ", to be downloaded"
    if streamed:
        return Estimate(overhead(machine), download, 0.0, f"{note}, never loaded whole")
    seconds = stored / machine.disk_bytes_a_second
    memory = root.loaded + overhead(machine)
    return Estimate(memory, download, seconds, note, weights_bytes=root.loaded)


def _relayer(node: Node, root: Root, dims: Dimensions, machine: Machine, plan: Plan) -> Estimate:
    before = plan.nodes[node.parents[0]].layers
    change = f"{before} → {dims.layers} layers, " if before else ""
    note = f"by reference: {change}no weight is copied"
    memory = root.loaded + overhead(machine)
    return Estimate(memory, side(dims), OUTPUT_SECONDS, note, weights_bytes=root.loaded)


def _scan(node: Node, root: Root, dims: Dimensions, machine: Machine) -> Estimate:
    config: ScanConfig = node.config
    cost = scan_cost(
        config,
        root.run(dims),
        machine,
        overhead(machine),
    )
    about = "about " if cost.about else ""
    return Estimate(
        cost.memory,
        cost.disk + side(dims),
        cost.seconds,
        f"{about}{cost.paths:,} paths of {dims.layers} layers",
        scratch_bytes=cost.scratch,
        weights_bytes=cost.weights,
        scan=cost,
    )


def totals(
    estimates: Mapping[str, Estimate],
    ids: Collection[str],
    scored: Collection[str] = (),
    cached: Collection[str] = (),
) -> dict[str, Any]:
    """Disk, time and largest memory of making the nodes in ``ids`` and scoring those ``scored``.

    Data sets that are ``cached`` take no more disk.
    """
    chosen = [estimates[i] for i in ids]
    scoring = [cost for i in scored if (cost := estimates[i].scoring) is not None]
    memory = [each.memory_bytes or 0 for each in chosen] + [cost.memory for cost in scoring]
    return {
        "memory_bytes": max(memory, default=0),
        "disk_bytes": sum(e.disk_bytes or 0 for e in chosen)
        + max((e.scratch_bytes for e in chosen), default=0)
        + sum(cost.disk for cost in scoring)
        + data_bytes(scoring, cached),
        "seconds": sum(e.seconds or 0.0 for e in chosen) + sum(cost.seconds for cost in scoring),
    }
