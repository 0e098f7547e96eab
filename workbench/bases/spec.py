"""A model described, not loaded: a base, and what is laid over it in order.

Every room that needs "the model of output X" gets one of these from the plan; ``engine.realise``
turns it into a module without copying the base, ``engine.materialise`` into a checkpoint on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.bases.config import BaseConfig


@dataclass(frozen=True)
class AdapterStep:
    """A PEFT adapter folder, trained on everything before it."""

    folder: Path


@dataclass(frozen=True)
class PathStep:
    """A layer path: indices into the decoder layers of everything before it."""

    layers: tuple[int, ...]


Step = AdapterStep | PathStep


@dataclass(frozen=True)
class ModelSpec:
    """``root`` is loaded once and shared; ``steps`` are applied in order, by reference.

    ``tokenizer`` is the folder whose tokenizer and chat template belong to this model; ``None``
    means the root's own.
    """

    root: BaseConfig
    steps: tuple[Step, ...] = ()
    tokenizer: Path | None = None

    def then(self, step: Step, tokenizer: Path | None = None) -> ModelSpec:
        """This model with one more step on top."""
        return ModelSpec(self.root, (*self.steps, step), tokenizer or self.tokenizer)
