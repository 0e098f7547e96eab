"""The scheduler against a forward of the whole model per path and reading."""

from __future__ import annotations

import random
from contextlib import contextmanager

import pytest
import torch

from tests.scan.naive import worst_difference
from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model
from workbench.bases.tiny.architectures import ARCHITECTURES, build
from workbench.errors import UserError
from workbench.scan import grid
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.request import Reading
from workbench.scan.schedule.sweep import sweep

N = 6
SIZE = {
    "num_hidden_layers": N,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
BASE = tuple(range(N))
BLOCKS = [BASE if b == grid.BASE else grid.layers(b, N) for b in grid.blocks(N)]
GENERAL = [
    (0, 1, 2, 2, 2, 2, 3, 4, 5),
    (0, 1, 2, 1, 2, 1, 2, 3, 4, 5),
    (0, 2, 4, 5),
    (0, 1, 1, 2, 3, 3, 4, 5),
    (5, 4, 3, 2, 1, 0),
    (0,),
    (0, 1, 2, 3, 4, 5, 0),
]


def questions(count: int, seed: int = 0) -> list[Reading]:
    """Some begin alike and some do not; of many lengths, with one or several ids to read."""
    rng = random.Random(seed)
    common = [rng.randrange(5, 60) for _ in range(15)]
    asked = []
    for number in range(count):
        own = [rng.randrange(5, 60) for _ in range(rng.randrange(3, 9))]
        tokens = tuple(common + own) if number % 4 else tuple(own)
        end = len(tokens) - 1
        asked.append(Reading(tokens, (end - 1, end), ((1, 2, 3), (7,))))
    return asked


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_all_paths_equal_a_forward_of_each(arch):
    model = build(arch, 0, **SIZE).eval()
    asked = questions(6)
    paths = [*BLOCKS, *GENERAL] if arch == "qwen2" else [*BLOCKS[::3], *GENERAL]
    work = Work()
    replies = sweep(Decoder(model), paths, asked, budget_bytes=2**30, work=work)
    assert worst_difference(model, paths, asked, replies) < 1e-5
    assert work.layer_passes < work.naive_layer_passes


def test_architectures_with_other_layers():
    """Linear attention, experts, windows shorter than the prompt, positions learned or added."""
    from transformers import AutoModelForCausalLM, Gemma2Config, GPT2Config, Qwen3NextConfig

    common = {
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": N,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    configs = [
        Gemma2Config(**common, sliding_window=4),
        Qwen3NextConfig(
            **common,
            linear_num_key_heads=2,
            linear_num_value_heads=2,
            linear_key_head_dim=16,
            linear_value_head_dim=16,
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            shared_expert_intermediate_size=32,
        ),
        GPT2Config(
            vocab_size=64,
            n_embd=64,
            n_layer=N,
            n_head=4,
            n_positions=64,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
    ]
    asked = questions(5)
    for config in configs:
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval()
        paths = [*BLOCKS[::5], (0, 1, 1, 2, 3, 3, 4, 5)]
        replies = sweep(Decoder(model), paths, asked, budget_bytes=2**30)
        assert worst_difference(model, paths, asked, replies) < 1e-5, type(config).__name__


@pytest.mark.parametrize(
    ("options", "tolerance"), [({"dtype": "bfloat16"}, 0.1), ({"load_in_4bit": True}, 1e-4)]
)
def test_low_precision_within_its_tolerance(tiny_folder, options, tolerance):
    """Other batches round otherwise in bfloat16; NF4 weights compute in float32 on a CPU."""
    model = load_model(BaseConfig(base_model=str(tiny_folder("qwen2")), **options))
    decoder = Decoder(model)
    n = decoder.n_layers
    paths = [tuple(range(n)), *(grid.layers((i, i + 2), n) for i in range(n - 1))]
    asked = questions(4)
    replies = sweep(decoder, paths, asked, budget_bytes=2**30)
    assert worst_difference(model, paths, asked, replies) < tolerance


def test_the_budget_changes_the_work_and_not_the_answers():
    decoder = Decoder(build("qwen2", 0, **SIZE).eval())
    asked = questions(8)
    plenty, scarce = Work(), Work()
    whole = sweep(decoder, BLOCKS, asked, budget_bytes=2**30, work=plenty)
    parts = sweep(decoder, BLOCKS, asked, budget_bytes=200_000, work=scarce)
    assert scarce.chunks > plenty.chunks == 1
    assert plenty.sweeps == 2 and scarce.sweeps > 2
    for a, b in zip(whole, parts, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.greedy == y.greedy
            assert x.logprobs[0] == pytest.approx(y.logprobs[0], abs=1e-5)
    with pytest.raises(UserError, match="memory_gib"):
        sweep(decoder, BLOCKS, asked, budget_bytes=2000)


def test_each_layer_is_opened_once_a_round():
    opened = []

    @contextmanager
    def open_layer(k):
        opened.append(k)
        yield

    model = build("llama", 0, **SIZE).eval()
    decoder = Decoder(model, open_layer)
    decoder.enter(torch.tensor([[5, 6]]))
    opened.clear()
    sweep(decoder, BLOCKS, questions(6), budget_bytes=2**30)
    assert opened == [*range(N), *range(N)]


def test_a_path_that_overflows_is_nan_and_harms_no_other():
    from transformers import AutoModelForCausalLM, GPT2Config

    config = GPT2Config(
        vocab_size=64,
        n_embd=64,
        n_layer=N,
        n_head=4,
        n_positions=64,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval().half()
    with torch.no_grad():
        # 16-bit floats end at 65,504: one visit to layer 3 stays below, two do not.
        model.transformer.h[3].mlp.c_proj.bias.fill_(40_000.0)
    asked = questions(3)
    paths = [BASE, (0, 1, 2, 3, 3, 4, 5), (0, 1, 2, 4, 5)]
    replies = sweep(Decoder(model), paths, asked, budget_bytes=2**30)
    sound = [replies[0], replies[2]]
    assert worst_difference(model, [paths[0], paths[2]], asked, sound) < 0.02
    for reply in replies[1]:
        assert reply.greedy == (-1, -1)
        assert all(value != value for at in reply.logprobs for value in at)


def test_a_model_of_one_layer():
    model = build("qwen2", 0, **{**SIZE, "num_hidden_layers": 1}).eval()
    asked = questions(3)
    replies = sweep(Decoder(model), [(0,), (0, 0)], asked, budget_bytes=2**30)
    assert worst_difference(model, [(0,), (0, 0)], asked, replies) < 1e-5


def test_the_model_is_left_as_it_was():
    model = build("gemma3", 0, **SIZE).eval()
    tokens = torch.tensor([[5, 6, 7, 8]])
    before = model(input_ids=tokens).logits
    sweep(Decoder(model), BLOCKS[:5], questions(3), budget_bytes=2**30)
    assert torch.equal(model(input_ids=tokens).logits, before)
    assert not any("forward" in vars(layer) for layer in model.model.layers)
