"""Adapters in a model: putting a saved one in, and keeping those already there at work.

The order of adapters inside a module is the order in which they came, so that a sum of three is
added up the same way in training and in evaluation, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

#: PEFT's prefix before every parameter name in a saved adapter.
SAVED_PREFIX = "base_model.model."


def tuner_layers(model: nn.Module) -> Iterator[Any]:
    """The LoRA modules of ``model``."""
    from peft.tuners.lora import LoraLayer

    return (module for module in model.modules() if isinstance(module, LoraLayer))


def adapter_names(layer: Any) -> list[str]:
    """Names of the adapters of one LoRA module, oldest first."""
    return [*layer.lora_A, *layer.lora_embedding_A]


def activate(model: nn.Module, trainable: str | None = None) -> None:
    """Make every adapter of ``model`` count in its output, and train ``trainable`` alone.

    Everything else is frozen, the base's parameters included. PEFT's own ``set_adapter`` turns
    all adapters but one off, so this follows every call of it.
    """
    for layer in tuner_layers(model):
        layer.set_adapter(adapter_names(layer))
    mark = f".{trainable}." if trainable else ""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(bool(mark) and "lora_" in name and mark in f"{name}.")


def attach(model: PreTrainedModel, folder: Path, name: str) -> None:
    """Put the saved adapter in ``folder`` into ``model`` as ``name``, frozen, beside the others.

    ``model`` is changed in place (use a shared copy); it may already carry adapters and may be a
    layer path. Raises ``StepFailed`` when the adapter does not fit the model.
    """
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    from workbench.quiet import quiet

    with quiet():
        config = LoraConfig.from_pretrained(str(folder))
        config.inference_mode = True
        weights = load_file(str(folder / "adapter_model.safetensors"))
        forget_configs(model)
        try:
            inject_adapter_in_model(config, model, adapter_name=name)
            for key, parameter in model.named_parameters():
                if "lora_" in key and f".{name}." in f"{key}.":
                    # PEFT makes them in the base's precision; they were trained in this one.
                    parameter.data = parameter.data.float()
            result = set_peft_model_state_dict(
                model,
                {key.removeprefix(SAVED_PREFIX): value for key, value in weights.items()},
                adapter_name=name,
            )
        except (ValueError, RuntimeError, KeyError) as error:
            raise step_failed(
                f"the adapter in {str(folder)!r} does not fit this model",
                str(error).splitlines()[0],
                "it was trained on another base, or on another layer path",
            ) from error
    lost = [key for key in result.missing_keys if f".{name}." in key and "lora_" in key]
    if lost or result.unexpected_keys:
        odd = (lost or result.unexpected_keys)[0]
        raise step_failed(
            f"the adapter in {str(folder)!r} does not fit this model",
            f"{len(lost)} of its tensors are missing and {len(result.unexpected_keys)} have no "
            f"place, {odd!r} for one",
            "it was trained on another base, or on another layer path",
        )
    activate(model)
    model.eval()


def forget_configs(model: nn.Module) -> None:
    """Drop PEFT's record of earlier adapters, which the modules themselves keep better.

    With it in place PEFT takes the earlier adapters for parts of the new one's model, and saves
    them with it.
    """
    if "peft_config" in vars(model):
        del model.peft_config
