"""A model over two cards, as far as that can be tried without them.

torch's fake tensors have a shape and a device and no numbers, and refuse what real ones on several
devices would refuse. ``cpu`` and ``cpu:1`` stand for the cards; accelerate's hooks, which
transformers puts on a model that is loaded over several cards, move what a layer is given.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers.cache_utils import DynamicLayer

from workbench.bases.share import share
from workbench.bases.tiny.architectures import build
from workbench.scan import grid
from workbench.scan.schedule.decode_batch import Batch
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.generate import generate
from workbench.scan.schedule.request import Generation, Reading
from workbench.scan.schedule.sweep import sweep

N = 4
FIRST, SECOND = torch.device("cpu"), torch.device("cpu", 1)
PATHS = [
    *(tuple(range(N)) if block == grid.BASE else grid.layers(block, N) for block in grid.blocks(N)),
    (0, 1, 2, 3, 3, 0, 1, 2, 3),
    (0, 1),
    (3, 2, 1, 0),
]


def put(module: nn.Module, device: torch.device) -> None:
    """``module`` with tensors that say they are on ``device``, and a hook that moves its input."""
    for part in module.modules():
        for held in (part._parameters, part._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    fake = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
                    is_weight = isinstance(tensor, nn.Parameter)
                    held[name] = nn.Parameter(fake, requires_grad=False) if is_weight else fake
    add_hook_to_module(
        module, AlignDevicesHook(device, io_same_device=False, skip_keys=["past_key_values"])
    )


def start_empty(slot: DynamicLayer, keys: torch.Tensor, values: torch.Tensor) -> None:
    """As the library's own, which makes an empty tensor that would forget that it is on cpu:1."""
    slot.dtype, slot.device, slot.is_initialized = keys.dtype, keys.device, True
    slot.keys, slot.values = keys[:, :, :0], values[:, :, :0]


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    monkeypatch.setattr(DynamicLayer, "lazy_initialization", start_empty)
    model = build("llama", 0, num_hidden_layers=N).eval()
    with FakeTensorMode(allow_non_fake_inputs=True):
        for module in (model.model.embed_tokens, model.model.rotary_emb, *model.model.layers[:2]):
            put(module, FIRST)
        for module in (*model.model.layers[2:], model.model.norm, model.lm_head):
            put(module, SECOND)
        add_hook_to_module(
            model, AlignDevicesHook(io_same_device=True, skip_keys=["past_key_values"])
        )
        yield Decoder(share(model))


def test_paths_join_from_either_card(decoder, monkeypatch):
    asked = [Reading((1,) * 40 + (last, 2), (40, 41), ((3, 4), (5,))) for last in (6, 7, 8)]
    read = []

    def numbers(tensor: torch.Tensor) -> np.ndarray:
        read.append(tensor.shape)
        return np.zeros(tuple(tensor.shape))

    monkeypatch.setattr(torch.Tensor, "numpy", numbers)
    replies = sweep(decoder, PATHS, asked, budget_bytes=1 << 26)
    assert len(replies) == len(PATHS) and all(len(row) == len(asked) for row in replies)
    assert read


def test_paths_decode_over_both_cards(decoder, monkeypatch):
    def always_seven(batch: Batch) -> tuple[list[int], list[bool]]:
        logits = decoder.logits(batch.hidden[:, 0])
        assert len(logits) == len(batch.live)
        return [7] * len(logits), [False] * len(logits)

    monkeypatch.setattr(Batch, "_greedy", always_seven)
    # Two of each length: a fake tensor of a single number forgets its device.
    prompts = [
        *(Generation((1, 2, last), 4, frozenset()) for last in (3, 4)),
        *(Generation((1, 2, 3, last), 2, frozenset()) for last in (3, 4)),
    ]
    texts = generate(decoder, PATHS, prompts, budget_bytes=1 << 26)
    assert {text.tokens for row in texts for text in row} == {(7,) * 4, (7,) * 2}
