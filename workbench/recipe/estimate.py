"""What each step will need: peak memory, disk and time, before anything is loaded.

Estimates by arithmetic, meant to be right within a factor of two for memory and disk and to the
order of magnitude for time. :data:`ASSUMPTIONS` says what they rest on; a run's record shows
predicted beside measured memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.bases.stack import layer_count
from workbench.finetune.config import FinetuneConfig
from workbench.recipe.catalogued import base_dimensions
from workbench.recipe.forward import forward
from workbench.recipe.machine import Machine, this_machine
from workbench.recipe.plan import Node, Plan
from workbench.recipe.rows import tokens_of
from workbench.recipe.scan_cost import ScanCost, scan_cost
from workbench.recipe.sizes import (
    BaseSize,
    Dimensions,
    base_size,
    dimensions,
    human_bytes,
    human_count,
    loaded_bytes,
    lora_parameters,
)
from workbench.recipe.training import seam_count
from workbench.scan.config import ScanConfig

#: Resident memory of Python with torch, transformers, peft, trl and lm-eval, measured: 565 MB.
PROCESS_BYTES = 600_000_000
#: Bytes a trained parameter: float32 weight and gradient, and two Adam moments of 4 or 1 bytes.
OPTIMIZER_BYTES = {
    "adamw_torch_fused": 16,
    "adamw_torch": 16,
    "adamw_8bit": 10,
    "paged_adamw_8bit": 10,
}
#: Activations of a transformer layer: 34 bytes a token and hidden unit at 16 bits (Korthikanti et
#: al. 2022, section 4.1, without attention scores, which fused attention never stores).
ACTIVATION_BYTES = 34
#: Copies of the float32 logits while the loss is taken: logits, log-softmax, gradient.
LOGIT_COPIES = 3
#: Tokenizer, configuration and card of an output.
SIDE_BYTES = 20_000_000
TINY_SIDE_BYTES = 200_000
#: Floating point operations a second that training reaches: a CPU core did 30 GFLOP/s on a model
#: of 1.6 M parameters, taken lower for LoRA's small products; this share of a card's data sheet, or
#: of 100 TFLOP/s where the card is not known.
CPU_CORE_FLOPS = 2.0e10
GPU_SHARE = 0.4
UNKNOWN_GPU_FLOPS = 1.0e14
#: What a step costs however small the model is, and an output, with its checks and files.
STEP_SECONDS = 0.1
OUTPUT_SECONDS = 3.0

ASSUMPTIONS = (
    "memory: weights + LoRA with optimizer + activations of a full micro batch at sequence_len "
    "+ 0.6 GB for the libraries on a CPU; "
    "time: 20 GFLOP/s a CPU core, 40% of a card's data sheet or 40 TFLOP/s, scoring not counted; "
    "time is good to a factor of 5 at best"
)


@dataclass(frozen=True)
class Estimate:
    """Predicted needs of one node; ``None`` where the base's size is not known.

    ``disk_bytes`` stays on the disk; ``scratch_bytes`` is needed beside it while the step runs.
    ``weights_bytes`` of the memory are the model's weights, which several cards may share; ``scan``
    says more of a scan.
    """

    memory_bytes: int | None
    disk_bytes: int | None
    seconds: float | None
    note: str
    scratch_bytes: int = 0
    weights_bytes: int = 0
    scan: ScanCost | None = None


@dataclass(frozen=True)
class _Root:
    """The base that a node's weights go back to; ``own_layers`` are those that it has itself."""

    size: BaseSize
    loaded: int
    dims: Dimensions | None
    config: BaseConfig
    own_layers: int


def estimate(plan: Plan, machine: Machine | None = None) -> dict[str, Estimate]:
    """An :class:`Estimate` for every node of ``plan``, by id."""
    machine = machine or this_machine()
    roots: dict[str, _Root | None] = {}
    found: dict[str, Estimate] = {}
    for node in plan.nodes.values():
        config = plan.model_configs.get(node.name)
        if node.kind == "base":
            size = base_size(node.config, config)
            dims = base_dimensions(config, size)
            loaded = loaded_bytes(size, node.config, dims) if size else 0
            own = dims.layers if dims else 0
            roots[node.id] = root = _Root(size, loaded, dims, node.config, own) if size else None
            found[node.id] = _base(root, machine, streamed=_only_streamed(node, plan))
            continue
        root = roots.get(node.parents[0])
        dims = _made_dimensions(node, root, config)
        if root is None or dims is None:
            roots[node.id] = None
            found[node.id] = Estimate(None, None, None, "the base's size is not known yet")
            continue
        if node.kind == "finetune":
            found[node.id] = _finetune(node, root, dims, machine, plan)
        elif node.kind == "relayer":
            found[node.id] = _relayer(node, root, dims, machine, plan)
        elif node.kind == "scan":
            found[node.id] = _scan(node, root, dims, machine)
        else:
            parents = [roots[parent] for parent in node.parents]
            found[node.id] = _merge(node, root, dims, machine, [p for p in parents if p], plan)
        # A merge is a checkpoint of its own; the others run over their base's weights.
        roots[node.id] = _after(node, root, dims)
    return found


def _made_dimensions(
    node: Node, root: _Root | None, config: Mapping[str, Any] | None
) -> Dimensions | None:
    """The sizes of an output: its parent's at the depth that its own config says."""
    if root is None or root.dims is None or (config is None and node.kind == "merge"):
        return None
    if node.kind == "merge" and not root.dims.guessed:
        return dimensions(config)
    layers = layer_count(config) if config else None
    return replace(root.dims, layers=layers or root.dims.layers)


def _after(node: Node, root: _Root, dims: Dimensions) -> _Root:
    if node.kind != "merge":
        return replace(root, dims=dims)
    scale = dims.layers / root.dims.layers if root.dims else 1.0
    size = replace(
        root.size,
        parameters=math.ceil(root.size.parameters * scale),
        active=math.ceil(root.size.active * scale),
        source="parents",
        here=True,
    )
    return replace(
        root, size=size, loaded=math.ceil(root.loaded * scale), dims=dims, own_layers=dims.layers
    )


def _overhead(machine: Machine) -> int:
    return 0 if machine.gpu else PROCESS_BYTES


def _flops(machine: Machine) -> float:
    if not machine.gpu:
        return CPU_CORE_FLOPS * machine.cores
    return GPU_SHARE * (machine.card.flops if machine.card else UNKNOWN_GPU_FLOPS)


def _side(dims: Dimensions | None) -> int:
    """Tokenizer and configuration: those of a tiny base are small too."""
    return TINY_SIDE_BYTES if dims and dims.vocabulary < 2000 else SIDE_BYTES


def _only_streamed(node: Node, plan: Plan) -> bool:
    """Whether a base is nowhere loaded whole: all that is made of it are streamed scans."""
    users = [each.config for each in plan.nodes.values() if node.id in each.parents]
    streamed = [isinstance(config, ScanConfig) and config.streamed for config in users]
    return bool(users) and all(streamed) and plan.evaluate is None


def _base(root: _Root | None, machine: Machine, *, streamed: bool) -> Estimate:
    if root is None:
        return Estimate(None, None, None, "size not known: neither here nor in the catalogue")
    stored = math.ceil(root.size.parameters * root.size.stored_bytes)
    note = f"{human_count(root.size.parameters)} parameters ({root.size.source})"
    download = 0 if root.size.here else stored
    if download:
        note += ", to be downloaded"
    if streamed:
        return Estimate(_overhead(machine), download, 0.0, f"{note}, never loaded whole")
    seconds = stored / machine.disk_bytes_a_second
    memory = root.loaded + _overhead(machine)
    return Estimate(memory, download, seconds, note, weights_bytes=root.loaded)


def _finetune(node: Node, root: _Root, dims: Dimensions, machine: Machine, plan: Plan) -> Estimate:
    config: FinetuneConfig = node.config
    layers = _trained_layers(config, dims, node, plan)
    lora = lora_parameters(
        dims, config.lora_r, config.lora_target_modules, layers, config.peft_use_dora
    )
    tokens, rows_tokens = tokens_of(config, dims.vocabulary)
    batch = config.micro_batch_size * config.sequence_len
    # At 16 bits on a GPU, at 32 on a CPU.
    layer = ACTIVATION_BYTES * dims.hidden * (1 if machine.gpu else 2)
    kept = layer / 17 if config.gradient_checkpointing else layer
    pairs = 2 if config.rl else 1
    activations = pairs * batch * (kept * dims.layers + layer)
    logits = pairs * batch * dims.vocabulary * 4 * LOGIT_COPIES
    trained = lora * OPTIMIZER_BYTES[config.optimizer]
    memory = root.loaded + trained + activations + logits + _overhead(machine)
    if tokens is None:
        seconds = None
    else:
        # Forward, and backward through the activations only: 2 + 2 operations a weight and token.
        passes = 4 * pairs + (2 * pairs if config.rl == "dpo" else 0)
        work = passes * root.size.active * tokens / _flops(machine)
        steps = tokens / max(1.0, rows_tokens * config.micro_batch_size)
        seconds = OUTPUT_SECONDS + max(work, steps * STEP_SECONDS)
    note = f"LoRA of {human_count(lora)} parameters"
    if not (dims.linears_are_known and _are_linears(config.lora_target_modules, dims)):
        note = f"LoRA of roughly {human_count(lora)} parameters (its modules' shapes are guessed)"
    if tokens is not None:
        note += f", about {human_count(tokens)} tokens"
    # The last two checkpoints hold adapter and optimizer state.
    return Estimate(
        math.ceil(memory),
        4 * lora + _side(dims),
        seconds,
        note,
        scratch_bytes=2 * (12 * lora + _side(dims)),
        weights_bytes=root.loaded,
    )


def _are_linears(targets: list[str] | str, dims: Dimensions) -> bool:
    return isinstance(targets, str) or all(
        target.rsplit(".", 1)[-1] in dims.linears for target in targets
    )


def _trained_layers(config: FinetuneConfig, dims: Dimensions, node: Node, plan: Plan) -> int:
    if isinstance(config.train_layers, list):
        return len(set(config.train_layers))
    if config.train_layers == "all":
        return dims.layers
    steps = {each.name: each.config for each in plan.nodes.values() if each.kind != "base"}
    count = seam_count(steps, config.base_model, plan.model_configs)
    return dims.layers if count is None else min(dims.layers, 2 * count)


def _relayer(node: Node, root: _Root, dims: Dimensions, machine: Machine, plan: Plan) -> Estimate:
    before = plan.nodes[node.parents[0]].layers
    change = f"{before} → {dims.layers} layers, " if before else ""
    note = f"by reference: {change}no weight is copied"
    memory = root.loaded + _overhead(machine)
    return Estimate(memory, _side(dims), OUTPUT_SECONDS, note, weights_bytes=root.loaded)


def _scan(node: Node, root: _Root, dims: Dimensions, machine: Machine) -> Estimate:
    config: ScanConfig = node.config
    cost = scan_cost(
        config,
        forward(root.size, root.config, root.loaded, root.own_layers, dims),
        machine,
        _overhead(machine),
    )
    about = "about " if cost.about else ""
    return Estimate(
        cost.memory,
        cost.disk + _side(dims),
        cost.seconds,
        f"{about}{cost.paths:,} paths of {dims.layers} layers",
        scratch_bytes=cost.scratch,
        weights_bytes=cost.weights,
        scan=cost,
    )


def _merge(
    node: Node,
    root: _Root,
    dims: Dimensions,
    machine: Machine,
    parents: list[_Root],
    plan: Plan,
) -> Estimate:
    whole = math.ceil(_after(node, root, dims).size.parameters * root.size.stored_bytes)
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
    return Estimate(math.ceil(memory), whole + _side(dims), seconds, note, scratch_bytes=written)


def totals(estimates: Mapping[str, Estimate], ids: set[str]) -> dict[str, Any]:
    """Disk, time and largest memory of the nodes in ``ids``."""
    chosen = [estimates[i] for i in ids]
    return {
        "memory_bytes": max((e.memory_bytes or 0 for e in chosen), default=0),
        "disk_bytes": sum(e.disk_bytes or 0 for e in chosen)
        + max((e.scratch_bytes for e in chosen), default=0),
        "seconds": sum(e.seconds or 0.0 for e in chosen),
    }
