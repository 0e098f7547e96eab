"""What the layers of a model do to hidden states on their way: angles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Ids = tuple[int, ...]


def angular_distances(
    model: PreTrainedModel, ids: Sequence[Ids], call_tokens: int
) -> npt.NDArray[np.float64]:
    """By layer and text, [N, texts], the angle between the states before and after a layer.

    arccos(cos) / pi, the mean over a text's tokens, its first left out: 0 where a layer leaves the
    direction alone, 0.5 where it turns it at a right angle. Gromov et al. 2024 (arXiv 2403.17887,
    eq. 4); section 2 of arXiv 2502.05795 shows layers with it. Needs no gradient; ``call_tokens``
    is how many tokens go through a layer at once.
    """
    from workbench.scan.anatomy.states import Texts, words
    from workbench.scan.schedule.decoder import Decoder

    decoder = Decoder(model)
    texts = Texts(decoder, ids, call_tokens)
    found = np.full((decoder.n_layers, len(ids)), np.nan)
    before = [words(state) for state in texts.states()]
    for layer in range(decoder.n_layers):
        texts.advance(layer)
        after = [words(state) for state in texts.states()]
        pairs = zip(before, after, strict=True)
        found[layer] = [angular_distance(first, last) for first, last in pairs]
        before = after
    return found


def angular_distance(before: torch.Tensor, after: torch.Tensor) -> float:
    """The mean over tokens of arccos(cos(before, after)) / pi, [tokens, D] each."""
    import torch

    units = [torch.nn.functional.normalize(state.double(), dim=-1) for state in (before, after)]
    # From the chord and its complement: arccos is blind near 0 for want of digits.
    apart = (units[0] - units[1]).norm(dim=-1)
    along = (units[0] + units[1]).norm(dim=-1)
    return (2 * torch.atan2(apart, along)).mean().item() / math.pi
