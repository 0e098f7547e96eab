"""Readings answered the slow way: one path at a time, one reading at a time, the whole model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from workbench.bases.share import share
from workbench.relayer.reference import apply_path
from workbench.scan.schedule.request import Reading


def logprobs(
    model: PreTrainedModel, path: Sequence[int], readings: Sequence[Reading]
) -> list[list[list[float]]]:
    """By reading and position: log-probabilities of its targets, from a forward of its own."""
    relayered = share(model)
    apply_path(relayered, path)
    found = []
    with torch.no_grad():
        for reading in readings:
            logits = relayered.eval()(input_ids=torch.tensor([reading.tokens])).logits[0]
            table = logits.float().log_softmax(-1)
            found.append(
                [
                    [table[at, target].item() for target in targets]
                    for at, targets in zip(reading.positions, reading.targets, strict=True)
                ]
            )
    return found


def worst_difference(
    model: PreTrainedModel,
    paths: Sequence[Sequence[int]],
    readings: Sequence[Reading],
    replies: Sequence[Sequence[object]],
) -> float:
    """The largest difference of any log-probability to the slow way's; infinite if any is NaN."""
    worst = 0.0
    for path, row in zip(paths, replies, strict=True):
        for wanted, reply in zip(logprobs(model, path, readings), row, strict=True):
            ours = torch.tensor([x for at in reply.logprobs for x in at])  # type: ignore[attr-defined]
            theirs = torch.tensor([x for at in wanted for x in at])
            difference = (ours - theirs).abs().nan_to_num(nan=float("inf"))
            worst = max(worst, difference.max().item() if len(difference) else 0.0)
    return worst
