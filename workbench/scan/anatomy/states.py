"""Texts on their way through the layers: the hidden states h_0 (embeddings) to h_N."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.scan.anatomy.corpus import Ids
from workbench.scan.schedule.decoder import Decoder, Entry

if TYPE_CHECKING:
    import torch


@dataclass
class _Batch:
    """Texts of about one length, padded on the right; ``hidden`` is [texts, width, D]."""

    members: list[int]
    entry: Entry
    hidden: torch.Tensor


class Texts:
    """Some texts and their present hidden states, in as many batches as ``call_tokens`` asks."""

    def __init__(self, decoder: Decoder, ids: Sequence[Ids], call_tokens: int) -> None:
        self.decoder = decoder
        self.lengths = [len(text) for text in ids]
        self._batches = [self._enter(ids, members) for members in _pack(ids, call_tokens)]

    def advance(self, k: int) -> None:
        """Layer ``k`` over the present states, which it replaces."""
        for batch in self._batches:
            batch.hidden = self.decoder.run(k, batch.hidden, batch.entry.calls[k])

    def again(self, k: int) -> list[torch.Tensor]:
        """What layer ``k`` makes of the present states, a text each; they stay as they are."""
        return self._by_text(
            [self.decoder.run(k, batch.hidden, batch.entry.calls[k]) for batch in self._batches]
        )

    def states(self) -> list[torch.Tensor]:
        """The present hidden states, a text each: [tokens, D], in the model's precision."""
        return self._by_text([batch.hidden for batch in self._batches])

    def _by_text(self, hidden: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        found = {
            member: rows[: self.lengths[member]]
            for batch, each in zip(self._batches, hidden, strict=True)
            for member, rows in zip(batch.members, each, strict=True)
        }
        return [found[member] for member in range(len(self.lengths))]

    def _enter(self, ids: Sequence[Ids], members: list[int]) -> _Batch:
        import torch

        width = max(self.lengths[member] for member in members)
        # Any id will do for padding: causal layers never look to the right.
        rows = [[*ids[member], *([0] * (width - self.lengths[member]))] for member in members]
        entry = self.decoder.enter(torch.tensor(rows, device=self.decoder.device))
        return _Batch(members, entry, entry.hidden)


def words(states: torch.Tensor) -> torch.Tensor:
    """``states`` [tokens, D] of one text as float32 on the CPU, its first token left out.

    Models park activations there that are orders of magnitude larger than elsewhere, whatever the
    token (Sun et al. 2024, "Massive Activations in Large Language Models"); they would drown what
    the text itself does.
    """
    import torch

    kept = states[1:] if len(states) > 1 else states
    return kept.to("cpu", torch.float32)


def _pack(ids: Sequence[Ids], call_tokens: int) -> list[list[int]]:
    """Indices of texts in batches of at most ``call_tokens`` with padding, alike in length."""
    batches: list[list[int]] = []
    for member in sorted(range(len(ids)), key=lambda m: -len(ids[m])):
        last = batches[-1] if batches else []
        if last and (len(last) + 1) * len(ids[last[0]]) <= call_tokens:
            last.append(member)
        else:
            batches.append([member])
    return batches
