"""Whether the models of a merge fit together, told from their ``config.json`` alone. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.bases.stack import layer_count, text_config
from workbench.errors import Problem
from workbench.merge.architectures import architecture, can_be_inferred, known
from workbench.merge.config import (
    MergeConfig,
    donor,
    merged_models,
    model_references,
    models_of,
    slices_of,
    tokenizer_source,
)
from workbench.merge.layers import MAX_LAYERS, depth, layer_kinds, layer_sources
from workbench.merge.places import Path

#: What fixes the shapes of a model's tensors, beside layer count and vocabulary.
SHAPES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "moe_intermediate_size",
    "attention_bias",
)


@dataclass(frozen=True)
class MergeProblem(Problem):
    """A problem at ``path`` inside the merge block, for the recipe to find its line."""

    path: Path = ()


def check(
    config: MergeConfig, model_configs: Mapping[str, Mapping[str, Any]]
) -> list[MergeProblem]:
    """All that keeps the named models from being merged.

    ``model_configs`` holds each model's ``config.json``; models that are missing there (not
    downloaded yet) are left out of the comparison.
    """
    names = [name for name in model_references(config) if name in model_configs]
    configs = {name: model_configs[name] for name in names}
    problems = [p for name in names for p in _architecture(config, name, configs[name])]
    if problems:
        return problems
    problems += _fit(config, configs)
    problems += _slices(config, configs)
    problems += _vocabulary(config, configs)
    problems += _embeddings(config, configs)
    return problems


def path_of(config: MergeConfig, name: str) -> Path:
    """Where in the block the model ``name`` is first named."""
    for i, model in enumerate(config.models or []):
        if model.model == name:
            return ("models", i, "model")
    for i, part in enumerate(config.slices or []):
        for k, source in enumerate(part.sources):
            if source.model == name:
                return ("slices", i, "sources", k, "model")
    for word in ("base_model", "tokenizer_source"):
        if getattr(config, word) == name:
            return (word,)
    return ("modules",) if config.modules else ()


def _architecture(
    config: MergeConfig, name: str, model: Mapping[str, Any]
) -> Iterator[MergeProblem]:
    where = path_of(config, name)
    if not architecture(model):
        yield MergeProblem(
            f"{name}: its config.json names no architecture",
            "mergekit finds the tensors of a model by its class",
            'add "architectures": ["..."] to its config.json',
            path=where,
        )
    elif known(model) is None and not can_be_inferred(model):
        yield MergeProblem(
            f"{name} is a {architecture(model)}, which neither mergekit nor transformers knows",
            "the names of its tensors cannot be told",
            "merge a model of a known architecture, or update transformers",
            path=where,
        )


def _fit(config: MergeConfig, configs: Mapping[str, Mapping[str, Any]]) -> Iterator[MergeProblem]:
    merged = _merged(config, configs)
    if not merged:
        return
    first, *others = merged
    fields = list(SHAPES)
    if models_of(config):
        fields.append("layers")
    for other in others:
        kinds = architecture(configs[first]), architecture(configs[other])
        if kinds[0] != kinds[1] and not config.options.allow_crimes:
            yield MergeProblem(
                f"{first} is a {kinds[0]} and {other} a {kinds[1]}",
                "weights of different architectures do not correspond",
                "merge models of one family",
                path=path_of(config, other),
            )
            continue
        for field in fields:
            ours, theirs = _value(configs[first], field), _value(configs[other], field)
            if ours is not None and theirs is not None and ours != theirs:
                yield MergeProblem(
                    f"{field} is {ours} in {first} and {theirs} in {other}",
                    "their tensors differ in shape or number",
                    "merge models of one size"
                    + (", or take layers of each with slices" if field == "layers" else ""),
                    path=path_of(config, other),
                )


def _merged(config: MergeConfig, configs: Mapping[str, Any]) -> list[str]:
    return [name for name in merged_models(config) if name in configs]


def _value(config: Mapping[str, Any], field: str) -> Any:
    if field == "layers":
        return layer_count(config)
    inner = text_config(config)
    if field == "num_key_value_heads":
        return inner.get(field) or inner.get("num_attention_heads")
    return inner.get(field)


def _slices(
    config: MergeConfig, configs: Mapping[str, Mapping[str, Any]]
) -> Iterator[MergeProblem]:
    slices = slices_of(config)
    beyond = False
    for i, part in enumerate(slices):
        ranges = {tuple(source.layer_range) for source in part.sources}
        here: Path = ("slices", i) if config.slices else ("modules",)
        if len({after - first for first, after in ranges}) > 1:
            yield MergeProblem(
                "the sources of one slice have different numbers of layers",
                "they are merged layer by layer",
                "give each source as many layers",
                path=(*here, "sources"),
            )
        for k, source in enumerate(part.sources):
            count = layer_count(configs.get(source.model, {}))
            if count is not None and source.layer_range[1] > count:
                beyond = True
                yield MergeProblem(
                    f"layers {source.layer_range} of {source.model}, which has {count}",
                    f"its last layer is {count - 1}",
                    f"use a layer_range up to [.., {count}]",
                    path=(*here, "sources", k, "layer_range") if config.slices else here,
                )
    if slices and len(slices[0].sources) < len(slices[-1].sources):
        yield MergeProblem(
            f"the first slice has {len(slices[0].sources)} sources and the last "
            f"{len(slices[-1].sources)}",
            "mergekit would take the final norm and the head from one source only, unsaid",
            "give the first slice as many sources as the last",
            path=("slices", len(slices) - 1) if config.slices else ("modules",),
        )
    if beyond:
        return
    layers = depth(slices)
    if layers > MAX_LAYERS:
        yield MergeProblem(
            f"the slices make {layers} layers",
            f"more than {MAX_LAYERS} are taken for a slip",
            "use fewer or shorter slices",
            path=("slices",) if config.slices else ("modules",),
        )
        return
    for layer, sources in enumerate(layer_sources(slices)):
        kinds = [
            layer_kinds(configs[model], index)
            for model, index in sources
            if model in configs and index < (layer_count(configs[model]) or 0)
        ]
        if any(kind != kinds[0] for kind in kinds):
            yield MergeProblem(
                f"output layer {layer} would be merged of unlike layers: {sources}",
                f"their configurations say {kinds}",
                "line the slices up so that layers of one kind meet",
                path=("slices",),
            )
            return


def _vocabulary(
    config: MergeConfig, configs: Mapping[str, Mapping[str, Any]]
) -> Iterator[MergeProblem]:
    if tokenizer_source(config) is not None:
        return
    merged = _merged(config, configs)
    sizes = {name: text_config(configs[name]).get("vocab_size") for name in merged}
    sizes = {name: size for name, size in sizes.items() if size is not None}
    if merged and merged[0] in sizes and len(set(sizes.values())) > 1:
        yield MergeProblem(
            "vocabularies differ in size: " + ", ".join(f"{n} {s}" for n, s in sizes.items()),
            "rows of the embeddings would be mixed that stand for different tokens",
            "add tokenizer: {source: union} (all tokens) or {source: base}",
            path=path_of(config, next(n for n in sizes if sizes[n] != sizes[merged[0]])),
        )


def _embeddings(
    config: MergeConfig, configs: Mapping[str, Mapping[str, Any]]
) -> Iterator[MergeProblem]:
    """A tied model has no head of its own; mergekit must know where to take one from."""
    merged = _merged(config, configs)
    tied = [n for n in merged if configs[n].get("tie_word_embeddings")]
    untied = [n for n in merged if n not in tied and "tie_word_embeddings" in configs[n]]
    described = known(configs[donor(config)]) if donor(config) in configs else None
    if tied and untied and not (described and described.untied_from):
        yield MergeProblem(
            f"the embeddings are tied in {', '.join(tied)} and not in {', '.join(untied)}",
            "mergekit does not know which tensor is the head of the tied one",
            "merge models that agree, or untie the one",
            path=path_of(config, tied[0]),
        )
