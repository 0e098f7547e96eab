"""What a layer path changes in a model's configuration. Free of torch: it works on config.json.

``bases.stack.path_config`` rebuilds the count, the lists with an entry per layer (``layer_types``)
and the lists of layer indices. Here come the fields that name no layer and still depend on where
one stands: numbers that split the stack at an index, steps that pick every k-th layer, and
factors that depend on the count. Each is rebuilt where it can say what the path does. Where it
cannot, it stays: a model by reference does not read it any more, and writing one out is verified,
so what a checkpoint cannot express is refused there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.bases.stack import SPLIT_COUNTS, layer_count, path_config
from workbench.errors import Problem, StepFailed, step_failed
from workbench.relayer.path import describe, is_base

#: Fields that say layers are wired to each other, or to tables, by index.
_ACROSS_LAYERS = {
    "num_kv_shared_layers": "its last layers reuse the keys and values of earlier ones",
    "hidden_size_per_layer_input": "each position has its own embedding table",
    "per_layer_config": "its layers are configured one by one, by index",
}


def check_relayerable(config: Mapping[str, Any], path: Sequence[int]) -> None:
    """Raise :class:`StepFailed` where layers do not stand on their own (Gemma 3n, Gemma 4 E).

    Running such a model along a path would compute something, and not what the path says.
    """
    if is_base(path, _count(config)):
        return
    problems = [
        Problem(
            f"this {config.get('model_type', 'model')} cannot run the path {describe(path)}",
            f"{why} ({key} is set in its configuration)",
            "use a base whose layers stand on their own",
        )
        for key, why in _ACROSS_LAYERS.items()
        if config.get(key)
    ]
    if problems:
        raise StepFailed(problems)


def path_changes(config: Mapping[str, Any], path: Sequence[int]) -> dict[str, Any]:
    """The fields of a (text) configuration that differ once ``path`` is laid over it.

    Raises :class:`StepFailed` where the configuration does not say how many layers there are.
    """
    n = _count(config)
    plain = {name: value for name, value in config.items() if name not in SPLIT_COUNTS}
    changes = path_config(plain, path) | _sparse_step(config, path)
    for name in SPLIT_COUNTS:
        changes |= _split(name, config.get(name), path, n)
    if isinstance(config.get("scale_depth"), int | float):
        # MiniCPM scales residuals by scale_depth / sqrt(num_hidden_layers): keep what a layer had.
        changes["scale_depth"] = config["scale_depth"] * math.sqrt(len(path) / n)
    return {name: value for name, value in changes.items() if value != config.get(name)}


def _count(config: Mapping[str, Any]) -> int:
    n = layer_count(config)
    if n is None:
        raise step_failed(
            "the model's configuration does not say how many layers it has",
            remedy="layer paths work on causal decoder models only",
        )
    return n


def _sparse_step(config: Mapping[str, Any], path: Sequence[int]) -> dict[str, Any]:
    """Qwen-MoE: layer i has experts where (i + 1) is a multiple of the step, unless listed."""
    step, listed = config.get("decoder_sparse_step"), config.get("mlp_only_layers") or []
    if not isinstance(step, int) or step <= 1:
        return {}
    dense = [p for p, layer in enumerate(path) if layer in listed or (layer + 1) % step]
    return {"decoder_sparse_step": 1, "mlp_only_layers": dense}


def _split(name: str, split: Any, path: Sequence[int], n: int) -> dict[str, Any]:
    """A number k with layers below it of one kind, the rest of another (``max_window_layers``).

    transformers may read ``layer_types`` instead and other tools this, so both must agree.
    """
    if not isinstance(split, int):
        return {}
    if split >= n:
        return {name: max(split, len(path))}
    below = [layer < split for layer in path]
    return {name: sum(below)} if all(below[: sum(below)]) else {}
