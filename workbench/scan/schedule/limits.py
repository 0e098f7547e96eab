"""How much of a scan runs at a time, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.scan.schedule.budget import CPU_INSIDE, GPU_TOKENS, INSIDE, LOGITS, STATES
from workbench.scan.schedule.decoder import Decoder


@dataclass
class Work:
    """What was done: layer passes as items x visits, and tokens run through a layer.

    ``chunks`` is how many parts the budget made of it, ``sweeps`` how often the layers' weights
    were gone through from the first one on.
    """

    layer_passes: int = 0
    naive_layer_passes: int = 0
    layer_tokens: int = 0
    chunks: int = 0
    sweeps: int = 0

    def add(self, other: Work) -> None:
        """Count another sweep's work in."""
        self.layer_passes += other.layer_passes
        self.naive_layer_passes += other.naive_layer_passes
        self.layer_tokens += other.layer_tokens
        self.chunks += other.chunks
        self.sweeps += other.sweeps


@dataclass
class Limits:
    """How much is run and held at a time, from a budget in bytes beside the weights."""

    state_tokens: int
    call_tokens: int
    head_rows: int

    @staticmethod
    def of(decoder: Decoder, budget_bytes: int) -> Limits:
        """From the model's own sizes."""
        config = decoder.stack.config
        hidden = config.hidden_size
        inner = getattr(config, "intermediate_size", None) or 4 * hidden
        inner = max(inner) if isinstance(inner, (list, tuple)) else inner
        size = decoder.model.dtype.itemsize
        inside = size * (8 * hidden + 3 * inner)
        on_cpu = decoder.device.type == "cpu"
        calls = max(32, CPU_INSIDE // inside) if on_cpu else GPU_TOKENS
        return Limits(
            state_tokens=int(STATES * budget_bytes / (size * hidden)),
            call_tokens=max(1, min(calls, int(INSIDE * budget_bytes / inside))),
            head_rows=max(1, int(LOGITS * budget_bytes / (12 * config.vocab_size))),
        )
