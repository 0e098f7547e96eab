"""Folding adapters into the weights they were trained on.

PEFT's own merge does the arithmetic. Around it: the base's parameters are never written to, tied
embeddings are untied where an adapter tells them apart, and the merged model's logits are compared
with those of the model with adapters, every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed
from workbench.merge.probe import largest, probe_logits, typical

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel

#: A merge that loses more than this share of what its adapters do to the logits ...
MOST_LOST = 0.5
#: ... and is off by more than this share of the logits' own spread, is refused.
LEAST_SPREAD = 0.02


def merge_adapters(model: PreTrainedModel) -> dict[str, Any]:
    """Folds all active PEFT adapters of ``model`` into its weights and removes PEFT's layers.

    In place, on modules only: parameters that change are replaced by new ones, so other models
    over the same parameters stay as they are, and layers of a path that share a parameter come
    out with one each. ``model`` must not be quantised.

    Returns ``max_logit_difference`` (model with adapters against merged, on fixed tokens),
    ``adapter_max_logit_difference`` (with against without adapters, for scale), ``lost_share`` (of
    the adapters' effect, by root mean square), ``adapters``, ``layers``, ``dtype`` and ``untied``.

    Raises:
        StepFailed: quantised weights; a kind of adapter that cannot be folded; a merged model
            whose logits are not those of its adapters.
    """
    _refuse_quantised(model)
    outer = _outermost(model)
    names = list(dict.fromkeys(name for _, _, layer in outer for name in layer.active_adapters))
    record: dict[str, Any] = {
        "max_logit_difference": 0.0,
        "adapter_max_logit_difference": 0.0,
        "lost_share": 0.0,
        "adapters": names,
        "layers": len(outer),
        "dtype": str(model.dtype).removeprefix("torch."),
        "untied": False,
    }
    if not outer:
        return record
    with_adapters = probe_logits(model)
    for _, _, layer in outer:
        layer.enable_adapters(False)
    without = probe_logits(model)
    for _, _, layer in outer:
        layer.enable_adapters(True)
    for parent, name, layer in outer:
        setattr(parent, name, _folded(layer, name))
    for word in ("peft_config", "_hf_peft_config_loaded"):
        if word in vars(model):
            delattr(model, word)
    model.requires_grad_(False)
    record["untied"] = _untie(model)
    merged = probe_logits(model)
    record["max_logit_difference"] = largest(with_adapters, merged)
    record["adapter_max_logit_difference"] = largest(with_adapters, without)
    _judge(with_adapters, without, merged, record)
    return record


def _refuse_quantised(model: PreTrainedModel) -> None:
    kinds = {type(parameter).__name__ for parameter in model.parameters()}
    if getattr(model, "is_quantized", False) or kinds & {"Params4bit", "Int8Params"}:
        raise step_failed(
            "the model is quantised",
            "an adapter folded into 4-bit or 8-bit weights is rounded away",
            "load the base unquantised for the merge",
        )


def _outermost(model: nn.Module) -> list[tuple[nn.Module, str, Any]]:
    """PEFT's layers with their parents and names, without those inside one another."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    found: list[tuple[nn.Module, str, Any]] = []
    waiting = [model]
    while waiting:
        parent = waiting.pop()
        for name, child in parent.named_children():
            if isinstance(child, BaseTunerLayer | AuxiliaryTrainingWrapper):
                found.append((parent, name, child))
            else:
                waiting.append(child)
    return found


def _folded(layer: Any, name: str) -> nn.Module:
    """The plain module that does what ``layer`` with its active adapters does."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in layer.modules():
        if isinstance(module, BaseTunerLayer):
            _own_parameters(module.get_base_layer())
    try:
        if not isinstance(layer, BaseTunerLayer):
            _own_parameters(getattr(layer, "original_module", layer))
            plain = layer.unload_and_optionally_merge_module(
                merge=True, safe_merge=True, adapter_names=None
            )
        elif _has_variant(layer) and len(layer.active_adapters) > 1:
            plain = _fold_in_turn(layer, name)
        elif hasattr(layer, "unload_and_optionally_merge_module"):
            plain = layer.unload_and_optionally_merge_module(
                merge=True, safe_merge=True, adapter_names=None
            )
        else:
            layer.merge(safe_merge=True)
            plain = layer.get_base_layer()
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise step_failed(
            f"the adapter on {name} cannot be folded into its weights",
            str(error)[:500],
            "evaluate and train on it by reference, or train it again with a plain LoRA",
        ) from error
    result: nn.Module = plain
    return result


def _own_parameters(module: nn.Module) -> None:
    """New parameters in the place of those that other models may hold."""
    from torch import nn

    for name, parameter in module._parameters.items():
        if parameter is not None:
            module._parameters[name] = nn.Parameter(parameter.detach().clone(), requires_grad=False)


def _has_variant(layer: Any) -> bool:
    return any(name in getattr(layer, "lora_variant", {}) for name in layer.active_adapters)


def _fold_in_turn(layer: Any, name: str) -> nn.Module:
    """Several adapters, DoRA among them, folded as PEFT's forward applies them.

    A DoRA adapter scales all that came before it by m / ||W + BA||, with the base's own W in the
    norm (Liu et al. 2024, arXiv:2402.09353, eq. 5, in PEFT's ``DoraLinearLayer.forward``). PEFT's
    merge would take that norm of the weights that earlier adapters have changed already.
    """
    from peft.tuners.lora.layer import Linear
    from peft.tuners.lora.variants import DoraLinearVariant

    if not isinstance(layer, Linear) or layer.fan_in_fan_out or any(layer.lora_bias.values()):
        raise ValueError(f"several adapters on {name}, one of which is no plain LoRA")
    base = layer.get_base_layer()
    first = base.weight.detach().float()
    weight = first.clone()
    for adapter in (a for a in layer.active_adapters if a in layer.lora_A):
        delta = layer.get_delta_weight(adapter).detach().float()
        variant = layer.lora_variant.get(adapter)
        weight += delta
        if variant is None:
            continue
        if not isinstance(variant, DoraLinearVariant):
            raise ValueError(f"{type(variant).__name__} beside other adapters on {name}")
        dora = layer.lora_magnitude_vector[adapter]
        norm = dora.get_weight_norm(first, delta, scaling=1)
        weight *= (dora.weight.detach().float() / norm.float()).reshape(-1, 1)
    base.weight.data = weight.to(base.weight.dtype)
    result: nn.Module = base
    return result


def _untie(model: PreTrainedModel) -> bool:
    """Says in the configuration that the embeddings are no longer tied, where they are not."""
    text = model.config.get_text_config(decoder=True)
    if not (model.config.tie_word_embeddings or text.tie_word_embeddings):
        return False
    head = model.get_output_embeddings()
    embeddings = model.get_input_embeddings()
    if head is None or head.weight is embeddings.weight:
        return False
    for config in (model.config, text):
        config.tie_word_embeddings = False
    # transformers keeps the ties it found when the model was built, and saves by them.
    for module in model.modules():
        if "all_tied_weights_keys" in vars(module):
            vars(module)["all_tied_weights_keys"] = {}
    return True


def _judge(
    with_adapters: torch.Tensor,
    without: torch.Tensor,
    merged: torch.Tensor,
    record: dict[str, Any],
) -> None:
    effect = typical(with_adapters, without)
    off = typical(with_adapters, merged)
    record["lost_share"] = off / effect if effect else 0.0
    # Not "greater than": a NaN must not pass.
    if off <= LEAST_SPREAD * typical(with_adapters) or off <= MOST_LOST * effect:
        return
    raise step_failed(
        f"the merged model is not the one with adapters: its logits are off by up to "
        f"{record['max_logit_difference']:.3g}, where the adapters move them by up to "
        f"{record['adapter_max_logit_difference']:.3g}",
        f"{record['lost_share']:.0%} of what the adapters do is lost in {record['dtype']}",
        "load the base with dtype: float32 for the merge; if it is, please report this",
    )
