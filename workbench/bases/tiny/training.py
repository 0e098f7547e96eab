"""What the training loops of the tiny bases share: optimisers, their schedule, and storing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Optimisers:
    """Muon for the layers' matrices and AdamW for all else, under one schedule.

    Muon learns these small worlds in a third of AdamW's steps; it is meant for hidden matrices
    alone. Rates warm up over ``warmup`` steps, hold, and fall to nothing linearly from the share
    ``decay_from`` of ``steps`` on.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        steps: int,
        learning_rate: float,
        adam_rate: float,
        weight_decay: float,
        warmup: int,
        decay_from: float,
    ) -> None:
        import torch

        named = list(model.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and ".layers." in name]
        inner = {id(p) for p in matrices}
        others = [p for _, p in named if id(p) not in inner]
        self._model = model
        self._optimisers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=learning_rate, weight_decay=weight_decay),
            torch.optim.AdamW(others, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self._groups = [group for one in self._optimisers for group in one.param_groups]
        for group in self._groups:
            group["initial_lr"] = group["lr"]
        self._steps, self._warmup, self._decay_from = steps, warmup, decay_from

    def step(self, number: int, loss: torch.Tensor) -> None:
        """Step ``number``, counted from 0, down the gradient of ``loss``."""
        left = (self._steps - number) / (self._steps * (1 - self._decay_from))
        share = min(1.0, (number + 1) / self._warmup, left)
        for group in self._groups:
            group["lr"] = group["initial_lr"] * share
        self._model.zero_grad(set_to_none=True)
        loss.backward()
        for one in self._optimisers:
            one.step()


def descend(
    optimisers: Optimisers, steps: int, next_loss: Callable[[], torch.Tensor], *, log_every: int = 0
) -> list[float]:
    """Take ``steps`` steps down the loss that ``next_loss`` gives; returns the loss of each.

    ``log_every`` prints the mean of so many steps each time; 0 prints nothing.
    """
    losses: list[float] = []
    started = time.monotonic()
    for step in range(steps):
        loss = next_loss()
        optimisers.step(step, loss)
        losses.append(loss.item())
        if log_every and (step + 1) % log_every == 0:
            mean = sum(losses[-log_every:]) / log_every
            print(f"{step + 1} loss {mean:.4f} {time.monotonic() - started:.0f}s", flush=True)
    return losses


def store(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> PreTrainedModel:
    """Write the checkpoint, weights in 16 bit, and return it as it is read, in float32."""
    import torch
    from safetensors.torch import load_file, save_file

    model.save_pretrained(out)
    weights = out / "model.safetensors"
    halves = {name: t.to(torch.float16) for name, t in load_file(weights).items()}
    save_file(halves, weights, metadata={"format": "pt"})
    tokenizer.save_pretrained(out)
    return type(model).from_pretrained(out, dtype=torch.float32).eval()


def made_with() -> dict[str, object]:
    """Threads and library versions, on which the last digits of a training run depend."""
    import tokenizers
    import torch
    import transformers

    return {
        "threads": torch.get_num_threads(),
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
    }
