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
from workbench.bases.tiny.tokenizer import EOS_ID, build_tokenizer

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


@dataclass(frozen=True)
class Settings:
    """One pretraining run. The learning rate warms up, holds, and falls to nothing linearly."""

    arch: str
    seed: int = 0
    steps: int = 1500
    batch_size: int = 16
    sequence_length: int = 96
    learning_rate: float = 3.0e-3
    warmup: int = 50
    decay_from: float = 0.6
    weight_decay: float = 0.05


def batches(settings: Settings, tokenizer: PreTrainedTokenizerFast) -> Iterator[torch.Tensor]:
    """Endless [batch, sequence] token ids: whole documents, each closed by EOS, one after another.

    A sequence starts with a document and its last one is cut off where the sequence ends.
    """
    import torch

    documents = sums_data.corpus(settings.seed)
    while True:
        rows: list[list[int]] = []
        while len(rows) < settings.batch_size:
            row: list[int] = []
            while len(row) < settings.sequence_length:
                row += [*tokenizer(next(documents))["input_ids"], EOS_ID]
            rows.append(row[: settings.sequence_length])
        yield torch.tensor(rows)


def pretrain(settings: Settings, log: bool = False) -> tuple[PreTrainedModel, list[float]]:
    """Train a model of ``settings`` on the CPU; equal settings give equal weights.

    Returns the model in eval mode and its loss (nats a token) at every step.
    """
    import torch

    tokenizer = build_tokenizer()
    model = build(settings.arch, settings.seed, **SIZE).train()
    groups: list[dict[str, Any]] = [
        {
            "params": [p for p in model.parameters() if p.ndim > 1],
            "weight_decay": settings.weight_decay,
        },
        {"params": [p for p in model.parameters() if p.ndim <= 1]},
    ]
    optimizer = torch.optim.AdamW(
        groups,
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )

    def schedule(step: int) -> float:
        left = (settings.steps - step) / (settings.steps * (1 - settings.decay_from))
        return min(1.0, (step + 1) / settings.warmup, left)

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    losses: list[float] = []
    started = time.monotonic()
    for step, ids in zip(range(settings.steps), batches(settings, tokenizer), strict=False):
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if log and (step + 1) % 100 == 0:
            mean = sum(losses[-100:]) / 100
            print(f"{step + 1} loss {mean:.4f} {time.monotonic() - started:.0f}s", flush=True)
    return model.eval(), losses


def skill(model: PreTrainedModel, count: int = 200) -> dict[str, float]:
    """Shares of held-out sums that ``model`` continues rightly (greedy, exact match).

    ``equation``: written as the corpus writes them, which is the skill; ``question``: asked as the
    evaluation asks them, which pretraining does not teach.
    """
    asked = sums_data.generate_items()[:count]
    named = [item["id"].split("-") for item in asked]
    equations = [f"{a} {op} {b} equals" for op, a, b in named]
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
    import tokenizers
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    model.save_pretrained(out)
    weights = out / "model.safetensors"
    halves = {name: t.to(torch.float16) for name, t in load_file(weights).items()}
    save_file(halves, weights, metadata={"format": "pt"})
    build_tokenizer().save_pretrained(out)
    tail = losses[-50:]
    stored = type(model).from_pretrained(out, dtype=torch.float32).eval()
    recipe = {
        "command": f"python -m workbench.bases.tiny.pretrain --arch {settings.arch}"
        f" --seed {settings.seed} --steps {settings.steps} --out DIR",
        "settings": asdict(settings),
        "size": SIZE,
        "parameters": model.num_parameters(),
        "data": "workbench/bases/tiny/sums_data.py: corpus(seed)",
        "tokens": settings.steps * settings.batch_size * settings.sequence_length,
        "loss": round(sum(tail) / len(tail), 4),
        "skill": skill(stored),
        "seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
    }
    (out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    return recipe


def main() -> None:
    parser = argparse.ArgumentParser(description="Pretrain a tiny base on sums and differences.")
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
