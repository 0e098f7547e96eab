"""The ``config.json`` that each base has and each output will have, told without weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.bases.stack import COUNT_KEYS, NESTED_KEYS, layer_count, path_config, text_config
from workbench.errors import Problem, StepFailed, UserError, WorkbenchError
from workbench.finetune.config import FinetuneConfig
from workbench.merge.config import MergeConfig, donor, model_references, slices_of
from workbench.recipe.catalogued import MARK, is_sketch, sketch
from workbench.recipe.faults import KeyPath
from workbench.recipe.graph import topological
from workbench.recipe.load import LoadedRecipe
from workbench.relayer.config import RelayerConfig
from workbench.relayer.path import parse_layer_map, resolve
from workbench.scan.config import ScanConfig

ModelConfig = dict[str, Any]


def shapes(loaded: LoadedRecipe) -> tuple[dict[str, ModelConfig | None], list[Problem]]:
    """The model config of every base and output by name, and what is wrong with paths and merges.

    A hub model that is not in the local cache is known as far as the catalogue knows it; ``None``
    stands for one that is not there either, and for all that is made from it.
    """
    recipe = loaded.recipe
    known: dict[str, ModelConfig | None] = {}
    problems: list[Problem] = []
    for name, base in recipe.bases.items():
        known[name] = _base_config(base)
    for name in topological(recipe.outputs):
        step = recipe.outputs[name].step
        try:
            if isinstance(step, FinetuneConfig):
                config, faults = _finetuned(step, known, loaded, name)
            elif isinstance(step, RelayerConfig):
                config, faults = _relayered(step, known, loaded, name), []
            elif isinstance(step, ScanConfig):
                # How many layers the winner has is known when it is found.
                config, faults = None, []
            else:
                config, faults = _merged(step, known, loaded, name)
        except WorkbenchError as error:
            config, faults = None, list(error.problems)
        known[name] = config
        problems += faults
    return known, problems


def placed(
    problems: Sequence[Problem], loaded: LoadedRecipe, block: KeyPath, *, key: bool = False
) -> list[Problem]:
    """``problems`` with the place of ``block`` where they have none; their own ``path`` refines."""
    return [
        problem
        if problem.where
        else replace(problem, where=loaded.where((*block, *getattr(problem, "path", ())), key=key))
        for problem in problems
    ]


def with_path(config: Mapping[str, Any], path: Sequence[int]) -> ModelConfig:
    """``config`` (its text part, where it has one) for layers that run in the order ``path``."""
    for key in NESTED_KEYS:
        if isinstance(config.get(key), Mapping):
            return {**config, key: with_path(config[key], path)}
    try:
        return {**config, **path_config(config, path)}
    except StepFailed:
        # No config.json can say this path; it runs by reference all the same, at this length.
        return {**config, **{key: len(path) for key in COUNT_KEYS if key in config}}


def path_of(config: RelayerConfig, parent: ModelConfig | None) -> tuple[int, ...] | None:
    """The layer path of ``config`` over ``parent``; ``None`` where that is not known or wrong."""
    layers = layer_count(parent) if parent else None
    try:
        if layers is not None:
            return resolve(config, layers)
        if config.layers is not None:
            return tuple(config.layers)
        return parse_layer_map(config.layer_map) if config.layer_map else None
    except UserError:
        return None


def _base_config(base: Any) -> ModelConfig | None:
    from workbench.bases.locate import read_config

    try:
        return read_config(base) or sketch(base)
    except WorkbenchError:
        return None


def _finetuned(
    step: FinetuneConfig,
    known: Mapping[str, ModelConfig | None],
    loaded: LoadedRecipe,
    name: str,
) -> tuple[ModelConfig | None, list[Problem]]:
    config = known.get(step.base_model)
    layers = layer_count(config) if config else None
    problems = []
    if isinstance(step.train_layers, list) and layers is not None:
        for index, layer in enumerate(step.train_layers):
            if layer >= layers:
                place = ("outputs", name, "finetune", "train_layers", index)
                problems.append(
                    Problem(
                        f"layer {layer} is out of range",
                        f"{step.base_model} has {layers} layers",
                        f"layers are 0 … {layers - 1}, counted from 0",
                        loaded.where(place),
                    )
                )
    return config, problems


def _relayered(
    step: RelayerConfig,
    known: Mapping[str, ModelConfig | None],
    loaded: LoadedRecipe,
    name: str,
) -> ModelConfig | None:
    parent = known.get(step.model)
    layers = layer_count(parent) if parent else None
    if parent is None or layers is None:
        return None
    block: KeyPath = ("outputs", name, "relayer")
    try:
        return with_path(parent, resolve(step, layers))
    except UserError as error:
        raise UserError(
            problem
            if problem.where
            else replace(problem, where=_spot(problem, step, loaded, block))
            for problem in error.problems
        ) from None


def _spot(problem: Problem, step: RelayerConfig, loaded: LoadedRecipe, block: KeyPath) -> Any:
    """The item of the relayer block that the fact names (``block [3, 9]``, ``layer 12``)."""
    for key, word in (("blocks", "block"), ("drop", "drop"), ("layers", "layer")):
        for index, item in enumerate(getattr(step, key) or ()):
            if f"{word} {item} " in f"{problem.fact} ":
                return loaded.where((*block, key, index))
    key = next(k for k in ("layers", "layer_map", "blocks", "drop") if getattr(step, k) is not None)
    return loaded.where((*block, key))


def _sketched_merge(step: MergeConfig, configs: Mapping[str, ModelConfig]) -> ModelConfig:
    """The donor's config at the depth of the slices: what a sketch lacks cannot be laid out."""
    from workbench.merge.layers import depth

    config = configs[donor(step)]
    slices = slices_of(step)
    if not slices:
        return config
    return {**text_config(config), MARK: donor(step), "num_hidden_layers": depth(slices)}


def _merged(
    step: MergeConfig,
    known: Mapping[str, ModelConfig | None],
    loaded: LoadedRecipe,
    name: str,
) -> tuple[ModelConfig | None, list[Problem]]:
    from workbench.merge.architectures import known as described
    from workbench.merge.checks import check
    from workbench.merge.layers import output_config

    block: KeyPath = ("outputs", name, "merge")
    configs = {r: c for r in model_references(step) if (c := known.get(r)) is not None}
    # A sketch does not say what transformers calls the model, so that only mergekit's word counts.
    told = {r: c for r, c in configs.items() if not is_sketch(c) or described(c) is not None}
    problems = placed(check(step, told), loaded, block)
    if problems or len(configs) < len(model_references(step)):
        return None, problems
    if any(map(is_sketch, configs.values())):
        return _sketched_merge(step, configs), []
    try:
        return output_config(step, donor(step), configs), []
    except WorkbenchError as error:
        return None, placed(error.problems, loaded, block)
