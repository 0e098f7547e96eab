"""Which source layers make each layer of the output, and what the output's configuration says of
them. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.bases.stack import (
    COUNT_KEYS,
    INDEX_LISTS,
    NESTED_KEYS,
    SPLIT_COUNTS,
    layer_count,
    path_config,
    per_layer_lists,
    text_config,
)
from workbench.errors import step_failed
from workbench.merge.config import MergeConfig, MergeSlice, slices_of

#: Deeper than any model a dozen times over: more layers are taken for a slip.
MAX_LAYERS = 4096

#: For each output layer the models and layer numbers that it is merged from.
LayerSources = list[list[tuple[str, int]]]


def depth(slices: Sequence[MergeSlice]) -> int:
    """The number of output layers of ``slices``, without listing them."""
    return sum(
        max(0, min(source.layer_range[1] - source.layer_range[0] for source in part.sources))
        for part in slices
    )


def layer_sources(slices: Sequence[MergeSlice]) -> LayerSources:
    """The sources of each output layer of ``slices``, in order.

    The list is as long as ``slices`` are deep: judge :func:`depth` first.
    """
    return [
        [(source.model, layer) for source, layer in zip(part.sources, layers, strict=True)]
        for part in slices
        for layers in zip(*(range(*source.layer_range) for source in part.sources), strict=False)
    ]


def layer_kinds(config: Mapping[str, Any], layer: int) -> dict[str, Any]:
    """What a configuration says of one layer: its entry in every per-layer list."""
    inner = text_config(config)
    count = layer_count(config) or 0
    kinds = {name: inner[name][layer] for name in per_layer_lists(inner, count)}
    return kinds | {name: layer in inner[name] for name in INDEX_LISTS if inner.get(name)}


def output_config(
    config: MergeConfig, donor: str, configs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The donor's configuration with layer count and per-layer lists rebuilt from the slices.

    ``configs`` are whole configurations (defaults filled in), so that a list that a ``config.json``
    leaves to be derived is taken from the layer's own place in its source and not from its new one.
    """
    result = dict(configs[donor])
    slices = slices_of(config)
    if not slices:
        return result
    # The first source stands for all: checks.py refuses a layer merged of unlike kinds.
    path = [sources[0] for sources in layer_sources(slices)]
    models = list(dict.fromkeys(model for model, _ in path))
    inner = {name: text_config(configs[name]) for name in models}
    laid_out, starts = _laid_end_to_end(inner)
    changed = path_config(laid_out, [starts[model] + layer for model, layer in path])
    return _with_text(result, changed)


def _laid_end_to_end(
    configs: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, int]]:
    """One configuration for the layers of all models one after the other, and where each starts."""
    first, *others = configs.values()
    if all(_of_layers(other) == _of_layers(first) for other in others):
        return dict(first), dict.fromkeys(configs, 0)
    counts = {name: layer_count(config) or 0 for name, config in configs.items()}
    lists = set(per_layer_lists(first, layer_count(first) or 0))
    for name, config in configs.items():
        here = set(per_layer_lists(config, counts[name]))
        split = next((k for k in SPLIT_COUNTS if isinstance(config.get(k), int)), None)
        if here != lists or (split and not (split == "max_window_layers" and lists)):
            raise step_failed(
                f"the layers of {name} are configured unlike those of {next(iter(configs))}",
                f"differing: {', '.join(sorted(here ^ lists)) or split}",
                "make the output of slices whose models share one configuration",
            )
    starts: dict[str, int] = {}
    laid_out = dict(first)
    total = 0
    for name, count in counts.items():
        starts[name] = total
        total += count
    for word in lists:
        parts = [config[word] for config in configs.values()]
        laid_out[word] = (
            "".join(parts)
            if isinstance(parts[0], str)
            else [entry for part in parts for entry in part]
        )
    for word in INDEX_LISTS:
        named = [starts[n] + layer for n, c in configs.items() for layer in c.get(word) or ()]
        if named:
            laid_out[word] = named
    before = layer_count(first)
    laid_out.update({k: total for k, v in first.items() if v == before and k in COUNT_KEYS})
    return laid_out, starts


def _of_layers(config: Mapping[str, Any]) -> dict[str, Any]:
    count = layer_count(config) or 0
    words = (*per_layer_lists(config, count), *INDEX_LISTS, *SPLIT_COUNTS)
    return {"count": count} | {word: config.get(word) for word in words}


def _with_text(config: dict[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    for key in NESTED_KEYS:
        if isinstance(config.get(key), Mapping):
            return config | {key: _with_text(dict(config[key]), changed)}
    return config | dict(changed)
