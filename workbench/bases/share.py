"""A second model over the same weights.

Layer paths and adapters are tried on structural copies, so one loaded base serves any number of
outputs and none of them can change it.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import nn

M = TypeVar("M", bound="nn.Module")


def share(model: M, keep: Iterable[object] = ()) -> M:
    """A copy of ``model``'s structure that holds the very same parameters and buffers.

    New: every module with its hooks and attributes, and the configuration objects. Shared: every
    tensor, and bitsandbytes' quantisation states. Adding adapters to the copy or rearranging its
    layers leaves ``model`` as it was. Writing *into* a shared tensor does not, so nothing but
    what was added to the copy may be trained. ``requires_grad`` is the tensor's, hence shared too.

    ``keep`` names further objects the copy refers to rather than copies: a second visit to one
    decoder layer must read the configuration of the model it stands in.
    """
    return copy.deepcopy(model, {id(thing): thing for thing in (*_kept(model), *keep)})


def _kept(model: nn.Module) -> list[Any]:
    """What deepcopy passes by reference: tensors wherever they hang, and quantisation states.

    A Linear8bitLt's state is kept because its first forward moves the scales from the weight into
    the state: with two states over one weight, whoever ran first would leave the other without.
    """
    import torch

    kinds: tuple[type, ...] = (torch.Tensor,)
    if "bitsandbytes" in sys.modules:
        from bitsandbytes import MatmulLtState
        from bitsandbytes.functional import QuantState

        kinds = (torch.Tensor, MatmulLtState, QuantState)
    return [
        value
        for module in model.modules()
        for held in (vars(module), module._parameters, module._buffers)
        for value in held.values()
        if isinstance(value, kinds)
    ]
