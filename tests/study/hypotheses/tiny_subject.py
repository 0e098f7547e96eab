"""Subjects over tiny models that a test has in its hands."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.bases.tiny.architectures import build
from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.relayer.reference import apply_path
from workbench.study.questions.items import Item
from workbench.study.subject import Subject


def subject_of(
    model: Any,
    *,
    suspect: Sequence[Item] = (),
    fresh: Sequence[Item] = (),
    seed: int = 0,
    **options: Any,
) -> Subject:
    """A subject whose models all share the tensors of ``model``."""

    def path(layers: Sequence[int]) -> Any:
        other = share(model)
        apply_path(other, layers)
        return other

    return Subject(
        base="tiny",
        model=lambda: share(model),
        tokenizer=build_tokenizer(512),
        seed=seed,
        suspect=suspect,
        fresh=fresh,
        path=path,
        options=options,
    )


def questions(count: int, start: int = 0) -> list[Item]:
    """Items alike in form, each with its own answer of one letter."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        Item(str(at), f"What is {at} plus {7 * at % 90}?", letters[(11 * at + at // 26) % 26])
        for at in range(start, start + count)
    ]


def lively(arch: str = "qwen2", seed: int = 0, gain: float = 8.0, **size: Any) -> Any:
    """An untrained model whose layers matter: their matrices are ``gain`` times as large.

    The final norm's gain makes it say one thing rather than another.
    """
    model = build(arch, seed, **size).requires_grad_(False)
    with torch.no_grad():
        for layer in find_stack(model).layers:
            for weight in layer.parameters():
                if weight.ndim > 1:
                    weight.mul_(gain)
        model.get_decoder().norm.weight.fill_(12.0)
    return model


def deaden(model: Any, layers: Sequence[int]) -> Any:
    """A copy in which these layers hand on what they get: nothing leaves their two branches."""
    model = copy.deepcopy(model)
    stack = find_stack(model).layers
    with torch.no_grad():
        for at in layers:
            stack[at].self_attn.o_proj.weight.zero_()
            stack[at].mlp.down_proj.weight.zero_()
    return model
