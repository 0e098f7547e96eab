"""Running a layer path by reference: the layers run in another order, and no weight is copied.

Every visit to a layer is a module tree of its own over the same parameters, with its own
``layer_idx`` and so its own slot in the KV cache. That is also what lets a later adapter differ
from visit to visit while the weights below stay one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.bases.share import share
from workbench.bases.stack import Stack, find_stack
from workbench.errors import Problem, UserError, step_failed
from workbench.relayer.layers_config import check_relayerable, path_changes

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel

#: How decoder layers and their parts call their own position.
INDEX_NAMES = ("layer_idx", "layer_index", "layer_id", "layer_number")


def apply_path(model: PreTrainedModel, path: Sequence[int]) -> None:
    """Make ``model`` run its decoder layers in the order ``path``, in place.

    ``model`` is a :func:`~workbench.bases.share.share` of a loaded base, and may already carry
    PEFT adapters, bitsandbytes layers, or an earlier path (indices then count its positions).
    ``num_hidden_layers`` and every per-layer list are rebuilt on its configuration.

    Raises:
        UserError: an index is not that of a layer, or the path is empty.
        StepFailed: the architecture wires its layers to each other by index, or a weight would
            have been copied.
    """
    stack = find_stack(model)
    _check_indices(path, len(stack.layers))
    fields = stack.config.to_dict()
    check_relayerable(fields, path)
    changes = path_changes(fields, path)
    configs = _configs(stack)
    before = storage_bytes(model)

    sources = list(stack.layers)
    # Copies come first: a source must not be renumbered before its last copy is taken.
    visits = [
        sources[layer] if layer not in path[:position] else share(sources[layer], keep=configs)
        for position, layer in enumerate(path)
    ]
    for position, (layer, visit) in enumerate(zip(path, visits, strict=True)):
        _renumber(visit, layer, position)
    _replace(stack, visits)
    for config in configs:
        for name, value in changes.items():
            setattr(config, name, copy.copy(value))

    after = storage_bytes(model)
    if after > before:
        raise step_failed(
            f"the path copied {after - before} bytes of weights",
            "a layer holds tensors in a way that cannot be shared",
            "report the architecture; writing the path out as a checkpoint still works",
        )


def storage_bytes(model: nn.Module) -> int:
    """Bytes of all tensors a model holds, each storage once: parameters, buffers, quant states."""
    return sum({s.data_ptr(): s.nbytes() for s in _storages(model)}.values())


def _check_indices(path: Sequence[int], n: int) -> None:
    bad = [layer for layer in dict.fromkeys(path) if not 0 <= layer < n]
    if bad or not path:
        raise UserError(
            Problem(
                f"layer {', '.join(map(str, bad))} is out of range" if bad else "the path is empty",
                f"the model has {n} layers",
                f"layers are 0 … {n - 1}, counted from 0",
            )
        )


def _configs(stack: Stack) -> list[PreTrainedConfig]:
    """The configuration objects that the decoder reads: one, unless a part keeps its own copy."""
    held = [getattr(module, "config", None) for module in stack.owner.modules()]
    distinct = {id(c): c for c in [stack.config, *held] if type(c) is type(stack.config)}
    return list(distinct.values())


def _renumber(visit: nn.Module, source: int, position: int) -> None:
    for module in visit.modules():
        for name in INDEX_NAMES:
            # A part that numbers itself otherwise (experts, heads) is not the decoder's position.
            if type(vars(module).get(name)) is int and vars(module)[name] == source:
                setattr(module, name, position)


def _replace(stack: Stack, visits: Sequence[nn.Module]) -> None:
    """Exchange the list's items and keep the list itself, with its hooks and its mode."""
    del stack.layers[:]
    stack.layers.extend(visits)


def _storages(model: nn.Module) -> Iterator[torch.UntypedStorage]:
    for module in model.modules():
        for held in (module._parameters, module._buffers, vars(module)):
            for value in held.values():
                yield from _of(value)


def _of(value: Any) -> Iterator[torch.UntypedStorage]:
    """The storages in a tensor, in bitsandbytes' quantisation states, or in neither."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value.untyped_storage()
        yield from _of(getattr(value, "quant_state", None))
    elif type(value).__module__.startswith("bitsandbytes"):
        for part in vars(value).values():
            yield from _of(part)
