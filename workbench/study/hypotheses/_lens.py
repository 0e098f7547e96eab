"""Answers read out of the middle of a model: what it would say if it ended after each layer.

The logit lens (nostalgebraist 2020): the model's own final norm and head over the hidden state
after a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A question with its answer as ids; the answer begins at ``start``, which is 1 or more."""

    ids: Ids
    start: int


@dataclass(frozen=True)
class Said:
    """What a model makes of answers, [items] each, teacher-forced.

    ``logprob`` is the sum over the answer's tokens in nats; ``right`` is 1 where each of them is
    the likeliest token at its place, as greedy decoding would have it, else 0.
    """

    logprob: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]


def lens(
    model: PreTrainedModel, asked: Sequence[Asked], call_tokens: int, head_rows: int
) -> list[Said]:
    """The answers at every depth d = 0 … N: before layer d, and for N after the last.

    ``call_tokens`` is how many tokens go through a layer at once, ``head_rows`` how many positions
    through the head.
    """
    from workbench.scan.anatomy.states import Texts
    from workbench.scan.schedule.decoder import Decoder

    decoder = Decoder(model)
    texts = Texts(decoder, [each.ids for each in asked], call_tokens)
    found = [_read(decoder.logits, texts.states(), asked, head_rows)]
    for layer in range(decoder.n_layers):
        texts.advance(layer)
        found.append(_read(decoder.logits, texts.states(), asked, head_rows))
    return found


def answers(
    model: PreTrainedModel, asked: Sequence[Asked], call_tokens: int, head_rows: int
) -> Said:
    """The answers at the model's end: the last of :func:`lens`, without the others."""
    from workbench.scan.anatomy.states import Texts
    from workbench.scan.schedule.decoder import Decoder

    decoder = Decoder(model)
    texts = Texts(decoder, [each.ids for each in asked], call_tokens)
    for layer in range(decoder.n_layers):
        texts.advance(layer)
    return _read(decoder.logits, texts.states(), asked, head_rows)


def _read(
    head: Callable[[torch.Tensor], torch.Tensor],
    states: Sequence[torch.Tensor],
    asked: Sequence[Asked],
    head_rows: int,
) -> Said:
    import torch

    # The state at a token says the next one.
    rows = torch.cat(
        [h[each.start - 1 : len(each.ids) - 1] for h, each in zip(states, asked, strict=True)]
    )
    told = [token for each in asked for token in each.ids[each.start :]]
    logprobs, top = [], []
    for at in range(0, len(rows), head_rows):
        some = head(rows[at : at + head_rows]).log_softmax(-1)
        wanted = torch.tensor(told[at : at + head_rows], device=some.device)
        picked = some.gather(-1, wanted[:, None])[:, 0]
        logprobs.append(picked.double().cpu())
        top.append((some.argmax(-1) == wanted).cpu())
    lengths = [len(each.ids) - each.start for each in asked]
    sums = [part.sum().item() for part in torch.cat(logprobs).split(lengths)]
    right = [float(part.all()) for part in torch.cat(top).split(lengths)]
    return Said(np.array(sums), np.array(right))
