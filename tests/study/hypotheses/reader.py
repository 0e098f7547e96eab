"""A tiny model that has read a test's documents, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from workbench.bases.tiny.architectures import build
from workbench.bases.tiny.tokenizer import EOS_ID, build_tokenizer
from workbench.bases.tiny.training import Optimisers


def reader(documents: Callable[[random.Random], list[str]], steps: int) -> PreTrainedModel:
    """Two layers, trained for ``steps`` on a batch of ``documents`` each."""
    model, tokenizer = build("llama", num_hidden_layers=2), build_tokenizer()
    optimisers = Optimisers(
        model,
        steps=steps,
        learning_rate=0.02,
        adam_rate=3e-3,
        weight_decay=0.0,
        warmup=5,
        decay_from=0.5,
    )
    draw = random.Random(0)
    for step in range(steps):
        rows = [[*tokenizer(text)["input_ids"], EOS_ID] for text in documents(draw)]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        optimisers.step(step, model(input_ids=ids, labels=ids.masked_fill(ids == 0, -100)).loss)
    return model.eval()
