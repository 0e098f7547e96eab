"""What the catalogue tells of a base that is not on this machine, in the words of a config.json.

A sketch holds known facts only: checks refuse on its grounds. What it lacks, :func:`guess` fills in
for the estimates, from the number of parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.bases.stack import layer_count, text_config
from workbench.recipe.sizes import BaseSize, Dimensions, dimensions

#: The key that marks a sketch: it names the model in the catalogue.
MARK = "catalogue"

#: The catalogue's words for what a ``config.json`` says.
_KEYS = {
    "layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "vocab_size": "vocab_size",
    "tied_embeddings": "tie_word_embeddings",
}

#: Without these the sizes of a decoder are not told by its sketch.
_NEEDED = ("hidden_size", "intermediate_size", "num_attention_heads", "head_dim", "vocab_size")

#: Llama and Qwen of 7 B to 72 B are 100 to 128 times as wide as deep, with heads of 128.
WIDTH_A_LAYER = 128
HEAD = 128
#: Weights of a decoder layer in units of hidden size squared (Kaplan et al. 2020, section 2.1).
SQUARES_A_LAYER = 12
VOCABULARY = 128_000


def sketch(base: BaseConfig) -> dict[str, Any] | None:
    """What the catalogue knows of the ``config.json`` of ``base``, marked with :data:`MARK`.

    ``None`` for a base that is not catalogued, or catalogued without layers and width.
    """
    from workbench.bases.derived import known

    entry = known(base.base_model)
    if entry is None or entry.architecture is None:
        return None
    if entry.shape.layers is None and entry.shape.intermediate_size is None:
        return None
    shape = entry.shape.model_dump(exclude_none=True)
    sizes = {ours: shape[theirs] for theirs, ours in _KEYS.items() if theirs in shape}
    return {MARK: entry.hub_id, "architectures": [entry.architecture], **sizes}


def is_sketch(config: Mapping[str, Any]) -> bool:
    """Whether ``config`` is the catalogue's word, or derives from it."""
    return MARK in config


def base_dimensions(config: Mapping[str, Any] | None, size: BaseSize | None) -> Dimensions | None:
    """The sizes in a base's ``config.json`` or sketch, guessed where only ``size`` is known."""
    whole = config is not None and not is_sketch(config)
    if size is None or whole:
        return dimensions(config)
    if config and all(key in config for key in _NEEDED):
        return dimensions(config) or _deep_enough(config, size)
    return guess(config, size)


def _deep_enough(config: Mapping[str, Any], size: BaseSize) -> Dimensions | None:
    """Known layers, so many that they come to ``size.parameters``: how many is a guess."""
    one = dimensions({**config, "num_hidden_layers": 1})
    if one is None:
        return None
    left = size.parameters - one.embedding_parameters
    layers = max(1, round(left / one.linear_parameters))
    return replace(one, layers=layers, guessed=True)


def guess(config: Mapping[str, Any] | None, size: BaseSize) -> Dimensions:
    """Likely sizes of a decoder of ``size.active`` parameters; what ``config`` knows is kept.

    The MLP takes what attention and embeddings leave over; a mixture's experts that work at once
    count as one.
    """
    inner = text_config(config) if config else {}
    layers = layer_count(inner)
    if layers is None:
        cube = size.active * WIDTH_A_LAYER / SQUARES_A_LAYER
        hidden = inner.get("hidden_size") or round(cube ** (1 / 3))
        layers = max(1, round(hidden / WIDTH_A_LAYER))
    else:
        width = math.sqrt(size.active / (SQUARES_A_LAYER * layers))
        hidden = inner.get("hidden_size") or round(width)
    heads = inner.get("num_attention_heads") or max(1, hidden // HEAD)
    kv_heads = inner.get("num_key_value_heads") or heads
    head_dim = inner.get("head_dim") or max(1, hidden // heads)
    vocabulary = inner.get("vocab_size") or VOCABULARY
    tied = bool(inner.get("tie_word_embeddings", False))
    attention = 2 * hidden * head_dim * (heads + kv_heads)
    left = size.active - vocabulary * hidden * (1 if tied else 2) - layers * attention
    intermediate = inner.get("intermediate_size") or max(hidden, left // (3 * layers * hidden))
    return Dimensions(
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=vocabulary,
        layers=layers,
        experts=1,
        tied=tied,
        architecture=str((inner.get("architectures") or [""])[0]),
        guessed=True,
    )
