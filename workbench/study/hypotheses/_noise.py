"""Gaussian noise on the weights of a model, and the weights back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

#: ``shake(size, draw)`` puts noise of that size on the weights; size 0 puts none.
Shake = Callable[[float, int], None]


def matrices(model: nn.Module) -> dict[str, torch.Tensor]:
    """The weight matrices, by name, each once however many modules hold it.

    Parameters with two dimensions or more: projections, embeddings, heads, experts. Gains of norms
    and biases stay as they are.
    """
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for name, weight in model.named_parameters():
        if weight.ndim >= 2:
            found.setdefault(weight.data_ptr(), (name, weight))
    return dict(found.values())


def unfit(model: nn.Module) -> str | None:
    """Why the weights cannot take noise, in words; ``None`` where they can."""
    for name, weight in model.named_parameters():
        if weight.device.type == "meta":
            return f"{name} is not in memory"
        # bitsandbytes may store its 4 bits in tensors of a 16-bit type.
        if (
            hasattr(weight, "quant_state")
            or not weight.is_floating_point()
            or weight.element_size() < 2
        ):
            return f"{name} is quantised"
    for module in model.modules():
        # Other quantisers keep their integers in buffers.
        for name, held in module.named_buffers(recurse=False):
            if held.ndim >= 2 and held.element_size() < 2 and "weight" in name:
                return f"{name} is quantised"
    return None


@contextmanager
def shaken(model: nn.Module, seed: int) -> Iterator[Shake]:
    """Yields ``shake(size, draw)``: each weight W becomes W + size · RMS(W) · N(0, 1).

    RMS is over the matrix (over each, where a parameter stacks several). The noise of a draw is
    the same for every size, and turned round for a negative one. Always laid on the weights as
    they came in, of which a copy is kept in main memory; they are back, bit for bit, after the
    block, however it ends. The noise is drawn on the weights' own device, and so differs between
    kinds of device.
    """
    import torch

    weights = list(matrices(model).values())
    saved = [weight.detach().to("cpu", copy=True) for weight in weights]

    def shake(size: float, draw: int) -> None:
        with torch.no_grad():
            for number, (weight, kept) in enumerate(zip(weights, saved, strict=True)):
                weight.copy_(kept)
                if size == 0.0:
                    continue
                generator = torch.Generator(weight.device)
                drawn = np.random.SeedSequence([seed, draw, number]).generate_state(1, np.uint64)
                generator.manual_seed(int(drawn[0]) >> 1)
                noise = torch.randn(
                    weight.shape, generator=generator, device=weight.device, dtype=torch.float32
                )
                rms = weight.float().square().mean(dim=(-2, -1), keepdim=True).sqrt()
                weight.copy_(weight.float() + size * rms * noise)

    try:
        yield shake
    finally:
        with torch.no_grad():
            for weight, kept in zip(weights, saved, strict=True):
                weight.copy_(kept)
