"""A probe's questions answered the plain way: a forward of the whole model for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from workbench.scan.probes.encode import Encoder
from workbench.scan.schedule.request import Generation, Reading, Reply


def table(model: Any, tokens: Sequence[int]) -> torch.Tensor:
    """Log-probabilities ``[tokens, vocabulary]``."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([list(tokens)])).logits[0].float().log_softmax(-1)


def replies(model: Any, readings: Sequence[Reading]) -> list[Reply]:
    found = []
    for reading in readings:
        rows = table(model, reading.tokens)[list(reading.positions)]
        pairs = list(zip(rows, reading.targets, strict=True))
        found.append(
            Reply(
                tuple(tuple(row[target].item() for target in targets) for row, targets in pairs),
                tuple(int(row.argmax()) for row in rows),
            )
        )
    return found


def written(model: Any, asked: Generation) -> tuple[int, ...]:
    """Greedy decoding without a cache."""
    tokens = list(asked.tokens)
    for _ in range(asked.max_new_tokens):
        token = int(table(model, tokens)[-1].argmax())
        if token in asked.stop_ids:
            break
        tokens.append(token)
    return tuple(tokens[len(asked.tokens) :])


def scored(model: Any, probe: Any, item: Any, encoder: Encoder) -> dict[str, float]:
    """What a probe makes of this model's answer."""
    asked = probe.ask(item, encoder)
    if isinstance(asked, Generation):
        return probe.score(item, encoder.text(written(model, asked)))
    return probe.score(item, replies(model, asked))


def said(readings: Sequence[Reading], chances: Sequence[Sequence[float]]) -> list[Reply]:
    """Replies of a model that gives the targets of each reading's one position these chances."""
    return [
        Reply((tuple(math.log(p) if p else -800.0 for p in row),), (-1,))
        for _, row in zip(readings, chances, strict=True)
    ]
