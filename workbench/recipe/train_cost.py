"""What a fine-tune will need: memory, disk and time."""

from __future__ import annotations

import math

from workbench.finetune.config import FinetuneConfig
from workbench.recipe.machine import Machine
from workbench.recipe.needs import OUTPUT_SECONDS, Estimate, Root, overhead, side
from workbench.recipe.plan import Node, Plan
from workbench.recipe.rows import tokens_of
from workbench.recipe.sizes import Dimensions, human_count, lora_parameters
from workbench.recipe.training import seam_count

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
#: Floating point operations a second that training reaches: a CPU core did 30 GFLOP/s on a model
#: of 1.6 M parameters, taken lower for LoRA's small products; this share of a card's data sheet, or
#: of 100 TFLOP/s where the card is not known.
CPU_CORE_FLOPS = 2.0e10
GPU_SHARE = 0.4
UNKNOWN_GPU_FLOPS = 1.0e14
#: What a step costs however small the model is.
STEP_SECONDS = 0.1


def training_needs(
    node: Node, root: Root, dims: Dimensions, machine: Machine, plan: Plan
) -> Estimate:
    """The needs of a LoRA at ``node`` over the layers of ``dims``."""
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
    memory = root.loaded + trained + activations + logits + overhead(machine)
    if tokens is None:
        seconds = None
    else:
        # Forward, and backward through the activations only: 2 + 2 operations a weight and token;
        # checkpointing goes forward twice.
        passes = (6 if config.gradient_checkpointing else 4) * pairs
        passes += 2 * pairs if config.rl == "dpo" else 0
        run = dims.layers / max(1, root.own_layers)
        work = passes * root.size.active * run * tokens / _flops(machine)
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
        4 * lora + side(dims),
        seconds,
        note,
        scratch_bytes=2 * (12 * lora + side(dims)),
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


def _flops(machine: Machine) -> float:
    if not machine.gpu:
        return CPU_CORE_FLOPS * machine.cores
    return GPU_SHARE * (machine.card.flops if machine.card else UNKNOWN_GPU_FLOPS)
