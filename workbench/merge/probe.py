"""Logits on fixed tokens, and how far two sets of them lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

#: Token ids spread over the whole vocabulary: 8 texts of 32.
TEXTS, LENGTH, SEED = 8, 32, 20260


def probe_logits(model: PreTrainedModel) -> torch.Tensor:
    """Logits (texts, length, vocabulary) as float32 on the CPU, on tokens from a fixed seed."""
    import torch

    rows = int(model.config.get_text_config(decoder=True).vocab_size)
    generator = torch.Generator().manual_seed(SEED)
    tokens = torch.randint(rows, (TEXTS, LENGTH), generator=generator)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits: torch.Tensor = model(tokens.to(model.device), use_cache=False).logits
    model.train(was_training)
    return logits.float().cpu()


def largest(a: torch.Tensor, b: torch.Tensor) -> float:
    """The largest absolute difference."""
    return float((a - b).abs().max())


def typical(a: torch.Tensor, b: torch.Tensor | None = None) -> float:
    """Root mean square of the difference, or of ``a`` about its mean at each position.

    A constant added to all logits of a position changes no probability, so it does not count.
    """
    difference = a if b is None else a - b
    return float((difference - difference.mean(-1, keepdim=True)).square().mean().sqrt())
