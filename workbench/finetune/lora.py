"""The new adapter: which modules get one, and putting it beside the adapters already there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.errors import user_error
from workbench.finetune.attach import activate, forget_configs, tuner_layers
from workbench.finetune.config import FinetuneConfig
from workbench.relayer.path import seams

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel

    from workbench.bases.stack import Stack

#: The name the new adapter has while it is trained; PEFT saves ``default`` without a subfolder.
TRAINED = "default"


def seam_layers(path: tuple[int, ...]) -> tuple[int, ...]:
    """Positions of the layers on either side of each seam of ``path``.

    The layers at p - 1 and p around a seam p have never met in pretraining, and are the ones that
    healing trains.
    """
    return tuple(sorted({side for p in seams(path) for side in (p - 1, p)}))


def layer_positions(
    config: FinetuneConfig, count: int, path: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """Positions that ``train_layers`` means in a model of ``count`` layers; ``None`` for all.

    Raises ``UserError`` when a position does not exist, or the model has no seam to train.
    """
    if config.train_layers == "all":
        return None
    if config.train_layers == "seam":
        positions = seam_layers(path) if path else ()
        if not positions:
            raise user_error(
                f"train_layers: seam, but {config.base_model!r} has no seam",
                "a seam is where a layer path jumps, and this model's layers run in order",
                "fine-tune the output of a relayer step, or give layer positions",
            )
        return positions
    positions = tuple(sorted(set(config.train_layers)))
    beyond = [position for position in positions if position >= count]
    if beyond:
        raise user_error(
            f"train_layers names {', '.join(map(str, beyond))}, but {config.base_model!r} has "
            f"{count} layers",
            remedy=f"positions count from 0 to {count - 1}",
        )
    return positions


def linear_names(stack: Stack) -> list[str]:
    """Last name parts of all linear modules in the decoder layers, adapted ones included."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    names: dict[str, None] = {}
    for layer in stack.layers:
        inside: tuple[str, ...] = ()
        for name, module in layer.named_modules():
            if inside and name.startswith(inside):
                continue
            if isinstance(module, (BaseTunerLayer, nn.Linear, Conv1D)):
                names[name.rpartition(".")[2]] = None
                inside = (*inside, f"{name}.")
    return list(names)


def lora_config(
    config: FinetuneConfig, model: PreTrainedModel, path: tuple[int, ...] | None
) -> LoraConfig:
    """PEFT's configuration of the new adapter.

    Raises ``UserError`` for modules that do not exist and settings that do not go together.
    """
    from peft import LoraConfig

    from workbench.bases.stack import find_stack

    stack = find_stack(model)
    present = linear_names(stack)
    wanted = present if config.lora_target_modules == "all-linear" else config.lora_target_modules
    unknown = sorted(set(wanted) - set(present))
    if unknown:
        raise user_error(
            f"lora_target_modules: no linear layer {', '.join(map(repr, unknown))} in the decoder "
            f"of {config.base_model!r}",
            remedy=f"it has {', '.join(present)}; or use all-linear",
        )
    if config.peft_use_dora:
        _check_dora(config, model)
    positions = layer_positions(config, len(stack.layers), path)
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha if config.lora_alpha is not None else 2 * config.lora_r,
        lora_dropout=config.lora_dropout,
        use_rslora=config.peft_use_rslora,
        use_dora=config.peft_use_dora,
        bias="none",
        task_type="CAUSAL_LM",
        **_targets(model, stack, wanted, positions),
    )


def _targets(
    model: PreTrainedModel, stack: Stack, wanted: list[str], positions: tuple[int, ...] | None
) -> dict[str, Any]:
    """PEFT's fields for the modules ``wanted`` in the layers at ``positions``.

    Plain names, as people write them; a pattern only where those would match modules outside the
    decoder (a vision tower's), which PEFT cannot leave out of names.
    """
    owner = next(name for name, module in model.named_modules() if module is stack.owner)
    prefix = f"{owner}.{stack.name}." if owner else f"{stack.name}."
    outside = any(
        name.rpartition(".")[2] in wanted and not name.startswith(prefix)
        for name, _ in model.named_modules()
    )
    if outside:
        layer = "|".join(map(str, positions)) if positions is not None else r"\d+"
        names = "|".join(map(re.escape, wanted))
        return {"target_modules": rf"{re.escape(prefix)}(?:{layer})\.(?:.*\.)?(?:{names})"}
    if positions is None:
        return {"target_modules": list(wanted)}
    return {
        "target_modules": list(wanted),
        "layers_to_transform": list(positions),
        "layers_pattern": stack.name,
    }


def _check_dora(config: FinetuneConfig, model: PreTrainedModel) -> None:
    if any(True for _ in tuner_layers(model)):
        raise user_error(
            f"peft_use_dora: true, but {config.base_model!r} already carries an adapter",
            "DoRA rescales the base's weights alone, so two adapters would not add up to what "
            "was trained",
            "use plain LoRA here, or merge the parent into a checkpoint first",
        )
    if getattr(model, "is_loaded_in_8bit", False):
        raise user_error(
            "peft_use_dora: true on a base loaded in 8 bit",
            "bitsandbytes' int8 weights cannot be rescaled",
            "use load_in_4bit, or plain LoRA",
        )


def add_adapter(model: PreTrainedModel, config: LoraConfig, seed: int) -> PeftModel:
    """``model`` wrapped by PEFT with a new trainable adapter; those already there stay at work.

    The adapter's weights are float32 whatever the base's precision. On a layer path every visit
    of a layer gets an adapter of its own.
    """
    import torch

    from workbench.finetune.stacked import StackedModel

    forget_configs(model)
    torch.manual_seed(seed)
    # An empty name keeps PEFT from asking the hub for the base's vocabulary at every checkpoint.
    config.base_model_name_or_path = ""
    wrapped = StackedModel(model, config, adapter_name=TRAINED)
    activate(wrapped, TRAINED)
    return wrapped
