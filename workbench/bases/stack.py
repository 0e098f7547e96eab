"""Where a causal LM keeps its decoder layers, and what its configuration says layer by layer.

Found by structure, not by a list of model names: the decoder is the list of as many modules as
the configuration counts layers, in the module that also owns the input embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel

#: How configurations call the number of decoder layers (GPT-2, MPT and GLM have their own words).
COUNT_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")

#: Where multimodal configurations keep the language model's part.
NESTED_KEYS = ("text_config", "llm_config", "language_config")

#: Sequences that may be as long as the model is deep by chance, and say nothing of layers.
_NOT_PER_LAYER = ("token_id", "architectures", "languages", "_sizes", "_shape", "mrope", "_dims")

#: Lists of layer numbers rather than one entry a layer (Qwen-MoE, Mllama, Granite-hybrid, …).
INDEX_LISTS = (
    "mlp_only_layers",
    "cross_attention_layers",
    "attn_layer_indices",
    "full_attn_idxs",
    "global_attn_idx",
    "kv_shared_layer_index",
)

#: Numbers k that mean "layers below k are one kind, the rest another" (DeepSeek, Qwen2, …).
SPLIT_COUNTS = ("first_k_dense_replace", "max_window_layers", "num_dense_layers")


@dataclass(frozen=True)
class Stack:
    """The decoder stack of one model: ``getattr(owner, name)`` is ``layers``.

    ``config`` is the (text) configuration that counts them.
    """

    owner: nn.Module
    name: str
    layers: nn.ModuleList
    config: PreTrainedConfig


def find_stack(model: PreTrainedModel) -> Stack:
    """The decoder stack of any causal LM, multimodal wrappers included.

    Raises ``StepFailed`` when no list of modules is as long as the configuration counts layers.
    """
    from torch import nn

    config = model.config.get_text_config(decoder=True)
    count = config.num_hidden_layers
    embedding = model.get_input_embeddings()
    found = [
        (owner, name, layers)
        for owner in model.modules()
        for name, layers in owner.named_children()
        if isinstance(layers, nn.ModuleList) and len(layers) == count
    ]
    # Depth first order: an outer list (the decoder) comes before the lists inside its layers.
    beside = [f for f in found if any(child is embedding for child in f[0].children())]
    chosen = (beside or sorted(found, key=lambda f: -_size(f[2])))[:1]
    if not chosen:
        raise step_failed(
            f"no stack of {count} decoder layers in {type(model).__name__}",
            "layers are found as a list of as many modules as config.num_hidden_layers",
            "use a causal LM whose configuration counts its decoder layers",
        )
    owner, name, layers = chosen[0]
    return Stack(owner, name, layers, config)


def _size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a ``config.json`` that describes the decoder (itself, unless multimodal)."""
    for key in NESTED_KEYS:
        if isinstance(config.get(key), Mapping):
            return text_config(config[key])
    return config


def layer_count(config: Mapping[str, Any]) -> int | None:
    """The number of decoder layers in a ``config.json``; ``None`` where it does not say."""
    inner = text_config(config)
    return next((inner[key] for key in COUNT_KEYS if isinstance(inner.get(key), int)), None)


def per_layer_lists(config: Mapping[str, Any] | PreTrainedConfig, n: int) -> list[str]:
    """The names in ``config`` (a dict or an object) that hold one entry for each of ``n`` layers.

    Lists, tuples, and strings of one letter a layer (``hybrid_override_pattern``).
    """
    fields = config if isinstance(config, Mapping) else config.to_dict()
    return [
        name
        for name, value in fields.items()
        if (isinstance(value, (list, tuple)) or (isinstance(value, str) and "pattern" in name))
        and len(value) == n
        and name not in INDEX_LISTS
        and not any(word in name for word in _NOT_PER_LAYER)
    ]


def path_config(config: Mapping[str, Any], path: Sequence[int]) -> dict[str, Any]:
    """The fields of a (text) configuration that change when its layers run in the order ``path``.

    The count, every per-layer list, lists of layer numbers, and counts that split the stack in
    two. Raises ``StepFailed`` where a split cannot be said of the new order (a dense layer of
    DeepSeek's repeated after a sparse one): such a path runs by reference and cannot be written.
    """
    n = layer_count(config)
    changed: dict[str, Any] = {}
    if n is None:
        return changed
    changed.update({key: len(path) for key in COUNT_KEYS if config.get(key) == n})
    for name in per_layer_lists(config, n):
        value = config[name]
        taken = [value[layer] for layer in path]
        changed[name] = "".join(taken) if isinstance(value, str) else type(value)(taken)
    for name in INDEX_LISTS:
        if config.get(name):
            named = set(config[name])
            changed[name] = [at for at, layer in enumerate(path) if layer in named]
    for name in SPLIT_COUNTS:
        k = config.get(name)
        if not isinstance(k, int) or (name == "max_window_layers" and "layer_types" in changed):
            continue
        below = [layer < k for layer in path]
        if below != sorted(below, reverse=True):
            raise step_failed(
                f"{name}: {k} cannot describe the path {tuple(path)}",
                f"it says that the first {k} layers are of one kind, and the path mixes the kinds",
                "choose a block that does not reach across that layer",
            )
        changed[name] = sum(below) if max(path) >= k else max(k, len(path))
    return changed
