"""Train the two bases whose answer to a scan is known, because it was put there.

Run as ``python -m workbench.scan.planted.train --kind looped --seed 0 --out DIR``.

``looped`` learns to go walks of :mod:`workbench.bases.tiny.hops_data` with the layers of
:data:`BLOCK` run once, twice or three times, drawn anew for every batch: so many passes, so many
more hops. One batch in a few runs with any other block repeated, and its long walks end anywhere:
repeating those teaches nothing. As it is shipped, every layer runs once, and repeating
:data:`BLOCK` lifts its score on walks that are too long for one pass.

``plain`` is the same network, seed and number of steps, and every layer always runs once. It goes
walks of up to three hops and fails on longer ones, so it too has room above its score; but no
layer has learnt to go on from where another one stopped, and no repetition fills that room.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from workbench.bases.tiny import hops_data
from workbench.bases.tiny.architectures import build
from workbench.bases.tiny.hops_data import Walk
from workbench.bases.tiny.tokenizer import EOS_ID, PAD_ID, build_tokenizer
from workbench.bases.tiny.training import Optimisers, descend, made_with, store
from workbench.scan.planted.truth import (
    ARCH,
    BLOCK,
    SIZE,
    Runner,
    Visits,
    block_path,
    other_blocks,
    truth,
)

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Kind = Literal["looped", "plain"]
#: Every how many steps the loss is kept in ``recipe.json``.
CURVE = 10


@dataclass(frozen=True)
class Settings:
    """One training run.

    A batch's walks have up to ``hops`` hops for every pass through the planted block, of which
    there are up to ``passes``. ``others`` is the share of batches with another block repeated.
    """

    kind: Kind
    seed: int = 0
    steps: int = 800
    batch_size: int = 192
    hops: int = 2
    passes: int = 3
    others: float = 0.3
    learning_rate: float = 0.02
    adam_rate: float = 3.0e-3
    warmup: int = 30
    decay_from: float = 0.5
    weight_decay: float = 0.02


def settings_of(kind: Kind, seed: int = 0) -> Settings:
    """What the shipped base of ``kind`` was trained with."""
    if kind == "looped":
        return Settings(kind, seed)
    return Settings(kind, seed, hops=3, passes=1, others=0.0)


class Batch(NamedTuple):
    """Walks to be gone along ``path``, each with the place where it is said to end."""

    path: Visits
    walks: list[tuple[Walk, str]]


def batches(settings: Settings) -> Iterator[Batch]:
    """Endless batches; equal settings give equal ones."""
    draw = random.Random(f"planted {settings.kind} {settings.seed}")
    while True:
        if draw.random() < settings.others:
            path = block_path(draw.choice(other_blocks()))
            known, most = settings.hops, 2 * settings.hops + 1
        else:
            passes = draw.randint(1, settings.passes)
            path = block_path(BLOCK, passes)
            known = most = settings.hops * passes
        drawn = [hops_data.training_walk(draw, most) for _ in range(settings.batch_size)]
        yield Batch(
            path,
            [
                (w, hops_data.end(w) if len(w[1]) <= known else draw.choice(hops_data.PLACES))
                for w in drawn
            ],
        )


def tensors(
    walks: Sequence[tuple[Walk, str]], tokenizer: PreTrainedTokenizerFast
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels, each [walks, length]: a walk a row, its end and EOS to be learnt.

    Padding is on the right, where a causal model needs no mask for it.
    """
    import torch

    texts = [hops_data.prompt(walk) + place for walk, place in walks]
    rows = [[*row.ids, EOS_ID] for row in tokenizer.backend_tokenizer.encode_batch(texts)]
    width = max(map(len, rows))
    ids = [row + [PAD_ID] * (width - len(row)) for row in rows]
    labels = [[-100] * (len(row) - 2) + row[-2:] + [-100] * (width - len(row)) for row in rows]
    return torch.tensor(ids), torch.tensor(labels)


def train(
    settings: Settings, stop: int | None = None, log: bool = False
) -> tuple[PreTrainedModel, list[float]]:
    """Train a base of ``settings`` on the CPU; equal settings give equal weights.

    ``stop`` ends after so many steps of the same run. Returns the model in eval mode, and the loss
    (nats a token that is trained on) of every step.
    """
    tokenizer = build_tokenizer()
    model = build(ARCH, settings.seed, **SIZE).train()
    runner = Runner(model)
    optimisers = Optimisers(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        adam_rate=settings.adam_rate,
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        decay_from=settings.decay_from,
    )
    stream = batches(settings)

    def next_loss() -> torch.Tensor:
        batch = next(stream)
        ids, labels = tensors(batch.walks, tokenizer)
        along = runner.along(batch.path)
        loss: torch.Tensor = along(input_ids=ids, labels=labels, use_cache=False).loss
        return loss

    steps = settings.steps if stop is None else stop
    losses = descend(optimisers, steps, next_loss, log_every=50 if log else 0)
    return model.eval(), losses


def save(
    model: PreTrainedModel, losses: list[float], settings: Settings, seconds: float, out: Path
) -> dict[str, Any]:
    """Write the checkpoint and its recipe, with the truth about it as measured."""
    tokenizer = build_tokenizer()
    # It knows walks and no chats: a template would only hide the walk.
    tokenizer.chat_template = None
    stored = store(model, tokenizer, out)
    recipe = {
        "command": f"python -m workbench.scan.planted.train --kind {settings.kind}"
        f" --seed {settings.seed} --out DIR",
        "settings": asdict(settings),
        "size": SIZE,
        "block": list(BLOCK) if settings.kind == "looped" else None,
        "parameters": model.num_parameters(),
        "data": "workbench/bases/tiny/hops_data.py",
        "loss": round(sum(losses[-50:]) / len(losses[-50:]), 4),
        "curve": {str(step): round(losses[step], 4) for step in range(0, len(losses), CURVE)},
        "truth": truth(stored),
        "seconds": round(seconds),
        **made_with(),
    }
    (out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    return recipe


def main() -> None:
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description="Train a base with a planted block, or without.")
    parser.add_argument("--kind", choices=("looped", "plain"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    settings = settings_of(given.kind, given.seed)
    started = time.monotonic()
    model, losses = train(settings, log=True)
    recipe = save(model, losses, settings, time.monotonic() - started, given.out)
    print(json.dumps(recipe, indent=1))


if __name__ == "__main__":
    main()
