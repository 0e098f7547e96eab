"""How much a layer changes the hidden state's direction, and how much its length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def block_influence(before: torch.Tensor, after: torch.Tensor) -> float:
    """1 - E_t[cos(h_in(t), h_out(t))] over the tokens of a text, [tokens, D] each.

    Men et al. 2024, "ShortGPT" (arXiv 2403.03853), section 2: a layer with a low influence can be
    left out at little cost.
    """
    import torch

    return 1.0 - torch.nn.functional.cosine_similarity(before, after, dim=-1).mean().item()


def norm_growth(before: torch.Tensor, after: torch.Tensor) -> float:
    """E_t[ln(|h_out(t)| / |h_in(t)|)] over the tokens of a text, [tokens, D] each.

    In nats; 0 where the layer keeps the length of the hidden state. A layer that is run again adds
    its growth again, which later layers were not trained for.
    """
    return (after.norm(dim=-1) / before.norm(dim=-1)).log().mean().item()
