"""Pretrain a tiny base.

Run as ``python -m workbench.bases.tiny.pretrain --arch qwen2 --seed 0 --out DIR``.

A plain language-modelling loop over :mod:`workbench.bases.tiny.sums_data`'s corpus. On one CPU
core it takes minutes, so the results are shipped; ``recipe.json`` beside the weights says how
each was made, and :func:`pretrain` with those settings makes such a base again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.tiny import sums_data
from workbench.bases.tiny.architectures import ARCHITECTURES, build
from workbench.bases.tiny.tokenizer import EOS_ID, PAD_ID, build_tokenizer
from workbench.bases.tiny.training import Optimisers, descend, made_with, store

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

#: Eight layers, so that there are middle blocks to repeat; stored in 16 bit, about 2 MB.
SIZE: dict[str, Any] = {
    "num_hidden_layers": 8,
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}

#: Documents of more tokens than this are long: questions are, equations are not.
LONG = 16
#: The token after the two numbers of a document, whatever its form.
AFTER_OPERANDS = ("=", " equals", " makes", "?")
#: Every how many steps the loss is kept in ``recipe.json``.
CURVE = 10


@dataclass(frozen=True)
class Settings:
    """One pretraining run. The learning rate warms up, holds, and falls to nothing linearly."""

    arch: str
    seed: int = 0
    steps: int = 800
    batch_size: int = 128
    learning_rate: float = 0.02
    adam_rate: float = 3.0e-3
    warmup: int = 30
    decay_from: float = 0.5
    weight_decay: float = 0.02


def batches(
    settings: Settings, tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless token ids and labels, each [batch, length]: a document a row, closed by EOS.

    Short and long documents are gathered apart, so that little of a batch is padding, and a long
    batch has half the rows of a short one. Padding is on the right, where a causal model needs no
    mask for it.
    """
    import torch

    gathered: dict[bool, list[list[int]]] = {False: [], True: []}
    masked = Operands(tokenizer)
    encode = tokenizer.backend_tokenizer.encode  # transformers' own call takes ten times as long
    for document in sums_data.corpus(settings.seed):
        ids = [*encode(document).ids, EOS_ID]
        long = len(ids) > LONG
        gathered[long].append(ids)
        rows = gathered[long]
        if len(rows) < settings.batch_size // (2 if long else 1):
            continue
        gathered[long] = []
        width = max(map(len, rows))
        yield (
            torch.tensor([row + [PAD_ID] * (width - len(row)) for row in rows]),
            torch.tensor([masked.labels(row) + [-100] * (width - len(row)) for row in rows]),
        )


class Operands:
    """Finds the digits that are drawn at random: those of a document's first two numbers.

    There is nothing to learn in them, and the noise of their gradient drowns the rest.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        after = [token.replace(" ", "Ġ") for token in AFTER_OPERANDS]
        self.ends = set(tokenizer.convert_tokens_to_ids(after))
        self.digits = set(tokenizer.convert_tokens_to_ids(list("0123456789")))

    def labels(self, ids: list[int]) -> list[int]:
        """``ids`` with -100 in the place of those digits."""
        end = next(at for at, number in enumerate(ids) if number in self.ends)
        return [-100 if at < end and n in self.digits else n for at, n in enumerate(ids)]


def pretrain(
    settings: Settings, stop: int | None = None, log: bool = False
) -> tuple[PreTrainedModel, list[float]]:
    """Train a model of ``settings`` on the CPU; equal settings give equal weights.

    ``stop`` ends after so many steps of the same run. Returns the model in eval mode and its loss
    (nats a token that is trained on) at every step.
    """
    tokenizer = build_tokenizer()
    model = build(settings.arch, settings.seed, **SIZE).train()
    optimisers = Optimisers(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        adam_rate=settings.adam_rate,
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        decay_from=settings.decay_from,
    )
    stream = batches(settings, tokenizer)

    def next_loss() -> torch.Tensor:
        ids, targets = next(stream)
        loss: torch.Tensor = model(input_ids=ids, labels=targets, use_cache=False).loss
        return loss

    steps = settings.steps if stop is None else stop
    losses = descend(optimisers, steps, next_loss, log_every=100 if log else 0)
    return model.eval(), losses


def skill(model: PreTrainedModel, count: int = 200) -> dict[str, float]:
    """Shares of held-out sums that ``model`` continues rightly (greedy, exact match).

    ``equation``: written as the corpus writes them, which is the skill; ``question``: asked as the
    evaluation asks them, which pretraining does not teach.
    """
    asked = sums_data.generate_items()[:count]
    pairs = [item["id"].split("-plus-") for item in asked]
    equations = [f"{a} plus {b} equals" for a, b in pairs]
    questions = [f"Question: {item['question']}\nAnswer:" for item in asked]
    right = [" " + item["answer"] for item in asked]
    return {
        "equation": _matches(model, equations, right),
        "question": _matches(model, questions, right),
    }


def _matches(model: PreTrainedModel, prompts: list[str], right: list[str]) -> float:
    tokenizer = build_tokenizer()
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    inputs.pop("token_type_ids", None)
    out = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    texts = tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    first = [text.split("\n")[0] for text in texts]
    return sum(a == b for a, b in zip(first, right, strict=True)) / len(right)


def save(
    model: PreTrainedModel, losses: list[float], settings: Settings, seconds: float, out: Path
) -> dict[str, Any]:
    """Write the checkpoint (weights in 16 bit, to be computed in float32) and its recipe."""
    stored = store(model, build_tokenizer(), out)
    tail = losses[-50:]
    recipe = {
        "command": f"python -m workbench.bases.tiny.pretrain --arch {settings.arch}"
        f" --seed {settings.seed} --steps {settings.steps} --out DIR",
        "settings": asdict(settings),
        "size": SIZE,
        "parameters": model.num_parameters(),
        "data": "workbench/bases/tiny/sums_data.py: corpus(seed)",
        "loss": round(sum(tail) / len(tail), 4),
        "curve": {str(step): round(losses[step], 4) for step in range(0, len(losses), CURVE)},
        "skill": skill(stored),
        "seconds": round(seconds),
        **made_with(),
    }
    (out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    return recipe


def main() -> None:
    parser = argparse.ArgumentParser(description="Pretrain a tiny base on sums.")
    parser.add_argument("--arch", choices=ARCHITECTURES, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--learning-rate", type=float, default=Settings.learning_rate)
    parser.add_argument("--batch-size", type=int, default=Settings.batch_size)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    settings = Settings(
        given.arch,
        given.seed,
        steps=given.steps,
        learning_rate=given.learning_rate,
        batch_size=given.batch_size,
    )
    started = time.monotonic()
    model, losses = pretrain(settings, log=True)
    recipe = save(model, losses, settings, time.monotonic() - started, given.out)
    print(json.dumps(recipe, indent=1))


if __name__ == "__main__":
    main()
