"""What a model predicts after every token of some texts, and how far a changed model is from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.study.questions.likelihood import at_rest, batches

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Ids = tuple[int, ...]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """A changed model against the one it was made from, a value a text, [texts].

    ``moved`` is KL(before || after), the mean over a text's tokens, in nats: how much more it
    costs to say by the changed model what the model itself would have said. Never negative, and 0
    for the same predictions. ``loss`` is the mean loss on the text's own tokens after the change.
    """

    moved: Values
    loss: Values


class Predictions:
    """The predictions of ``model`` over ``ids``, kept to compare others with.

    ``ids`` are texts of two tokens or more; a text's first token is not predicted. What is kept
    takes 4 bytes an entry of the vocabulary for each token, on the model's own device. ``loss`` is
    the mean loss of each text in nats a token, [texts].
    """

    def __init__(self, model: PreTrainedModel, ids: Sequence[Ids], batch_size: int) -> None:
        self.ids, self.batch_size = ids, batch_size
        self.loss = np.full(len(ids), np.nan)
        self._kept: dict[int, torch.Tensor] = {}
        for text, logprobs in _logprobs(model, ids, batch_size):
            self._kept[text] = logprobs
            self.loss[text] = _loss(logprobs, ids[text])

    def against(self, model: PreTrainedModel) -> Shift:
        """How far the predictions of ``model``, over the same vocabulary, are from these."""
        moved, loss = np.full(len(self.ids), np.nan), np.full(len(self.ids), np.nan)
        for text, after in _logprobs(model, self.ids, self.batch_size):
            before = self._kept[text].to(after.device)
            # What had no chance before adds nothing, whatever it has now.
            terms = (before.exp() * (before - after)).masked_fill(before == -np.inf, 0.0)
            moved[text] = terms.double().sum(-1).mean().item()
            loss[text] = _loss(after, self.ids[text])
        return Shift(moved, loss)


def _loss(logprobs: torch.Tensor, ids: Ids) -> float:
    import torch

    told = torch.tensor(ids[1:], device=logprobs.device)
    return -logprobs.gather(-1, told[:, None]).double().mean().item()


def _logprobs(
    model: PreTrainedModel, ids: Sequence[Ids], batch_size: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """Each text's number, in no order, with log-probabilities [tokens - 1, V] in float32."""
    import torch

    device = model.get_input_embeddings().weight.device
    with at_rest(model):
        for members in batches([len(text) for text in ids], batch_size):
            width = max(len(ids[text]) for text in members)
            # Any id will do for padding: it stands on the right, where no causal layer looks.
            rows = [[*ids[text], *([0] * (width - len(ids[text])))] for text in members]
            mask = [[1] * len(ids[text]) + [0] * (width - len(ids[text])) for text in members]
            out: Any = model(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(mask, device=device),
                use_cache=False,
            )
            for text, logits in zip(members, out.logits, strict=True):
                yield text, logits[: len(ids[text]) - 1].float().log_softmax(-1)
