"""What the model would say if it ended here: the entropy of the logit lens.

H = -sum_v p(v) ln p(v) in nats, p the softmax of the model's own final norm and head over the
hidden state after a layer (nostalgebraist 2020, "interpreting GPT: the logit lens"). It is high
while nothing is decided in words, and falls where the model turns to its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.scan.schedule.decoder import Decoder

if TYPE_CHECKING:
    import torch

#: Positions of a text that are read; the head is the dearest part of many models.
POSITIONS = 8


def positions(length: int) -> list[int]:
    """Up to :data:`POSITIONS` places, evenly spread over a text, its first token left out."""
    if length < 2:
        return [0]
    count = min(POSITIONS, length - 1)
    return [1 + at * (length - 1) // count for at in range(count)]


def lens_entropies(decoder: Decoder, states: Sequence[torch.Tensor], head_rows: int) -> list[float]:
    """The mean entropy of each text, in nats, of ``states`` [tokens, D] each.

    ``head_rows`` is how many positions go through the head at once. NaN where a logit is not a
    number.
    """
    import torch

    picked = [text[positions(len(text))] for text in states]
    rows = torch.cat(picked)
    found = torch.cat(
        [
            entropies(decoder.logits(rows[start : start + head_rows])).cpu()
            for start in range(0, len(rows), head_rows)
        ]
    )
    return [part.mean().item() for part in found.split([len(text) for text in picked])]


def entropies(logits: torch.Tensor) -> torch.Tensor:
    """The entropy in nats of each row of ``logits`` [n, V]: [n]. A logit of -inf adds nothing."""
    import torch

    return torch.special.entr(logits.softmax(dim=-1)).sum(dim=-1)
