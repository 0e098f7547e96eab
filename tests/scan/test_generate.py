"""Decoding under many paths at once against ``model.generate`` of each path and prompt alone."""

from __future__ import annotations

import random
import weakref
from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.bases.share import share
from workbench.bases.tiny.architectures import ARCHITECTURES, build
from workbench.errors import UserError
from workbench.relayer.reference import apply_path
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.generate import generate
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.request import Generation, Text

N = 4
SIZE = {
    "num_hidden_layers": N,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    # Such that the untrained models do not fall into repeating one word.
    "initializer_range": 0.15,
    "tie_word_embeddings": False,
}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
BASE = tuple(range(N))
PATHS = [
    BASE,
    (0, 1, 2, 1, 2, 3),
    (0, 1, 1, 1, 2, 3),
    (0, 1, 0, 1, 2, 3, 2, 3),
    (3, 2, 0),
    (0, 1),
    (0, 1, 2, 1, 2, 3),
]


def questions(count: int, *, new: int = 10, seed: int = 0) -> list[Generation]:
    """Prompts of three lengths, with several ids that end an answer."""
    rng = random.Random(seed)
    return [
        Generation(
            tuple(rng.randrange(5, 60) for _ in range((5, 9, 12)[number % 3])),
            new,
            frozenset({2, 11, 40 + number % 5}),
        )
        for number in range(count)
    ]


def alone(relayered, asked: Generation) -> tuple[Text, list[float]]:
    """The text by transformers' own decoding, and how far ahead each chosen token was."""
    # As many tokens as asked for, whatever ends an answer; cut afterwards.
    out = relayered.generate(
        torch.tensor([asked.tokens]),
        attention_mask=torch.ones((1, len(asked.tokens)), dtype=torch.long),
        do_sample=False,
        max_new_tokens=asked.max_new_tokens,
        eos_token_id=None,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_logits=True,
    )
    made = out.sequences[0, len(asked.tokens) :].tolist()
    best = [at[0].float().topk(2).values for at in out.logits]
    ends = next((n for n, token in enumerate(made) if token in asked.stop_ids), len(made))
    return Text(tuple(made[:ends])), [(a - b).item() for a, b in best]


def check(model, paths, asked, texts) -> int:
    """Each text is what its path gives alone; how many different words there are in all."""
    known = {}
    for path, row in zip(paths, texts, strict=True):
        relayered = share(model)
        apply_path(relayered, path)
        relayered.eval()
        for each, text in zip(asked, row, strict=True):
            if (path, each) not in known:
                known[path, each] = alone(relayered, each)
            wanted, ahead = known[path, each]
            if text != wanted:
                pairs = enumerate(zip(text.tokens, wanted.tokens, strict=False))
                shorter = min(len(text.tokens), len(wanted.tokens))
                first = next((n for n, (a, b) in pairs if a != b), shorter)
                # Rounding differs with the batch, so two words may tie to the last bits.
                assert ahead[first] < 1e-5, (path, each, text, wanted)
    return len({token for row in texts for text in row for token in text.tokens})


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_token_for_token_what_each_path_gives_alone(arch):
    model = build(arch, 0, **SIZE)
    asked = [*questions(3), questions(2)[1]]
    texts = generate(Decoder(model), PATHS, asked, budget_bytes=2**30)
    assert check(model, PATHS, asked, texts) > 20
    assert len({len(text.tokens) for row in texts for text in row}) > 1


def test_architectures_with_other_slots():
    """Linear attention, windows that the prompt or the answer outgrows, positions learned."""
    from transformers import (
        AutoModelForCausalLM,
        BambaConfig,
        Gemma2Config,
        Gemma3TextConfig,
        GPT2Config,
        Qwen3_5TextConfig,
    )

    common = {**SIZE, **SPECIAL, "head_dim": 16}
    linear = {
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
    }
    mamba = {"mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 8, "mamba_n_groups": 1}
    gpt2 = {"vocab_size": 64, "n_embd": 64, "n_layer": N, "n_head": 4, "n_positions": 64}
    configs = [
        BambaConfig(**{**SIZE, **SPECIAL}, **mamba, attn_layer_indices=[1, 3]),
        Gemma2Config(**common, sliding_window=4),
        Gemma3TextConfig(**common, sliding_window=12),
        Qwen3_5TextConfig(**common, **linear),
        GPT2Config(**gpt2, **SPECIAL, initializer_range=0.15),
    ]
    asked = questions(3)
    for config in configs:
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval()
        # transformers' own decoding wants a layer with attention, Qwen3.5's last.
        paths = [path for path in PATHS if 3 in path][1:4]
        texts = generate(Decoder(model), paths, asked, budget_bytes=2**30)
        assert check(model, paths, asked, texts) > 10, type(config).__name__


def test_limits_differ_and_nothing_is_asked():
    decoder = Decoder(build("qwen2", 0, **SIZE))
    tokens = questions(1)[0].tokens
    asked = [Generation(tokens, new, frozenset()) for new in (1, 7, 3)]
    ticks = []
    (texts,) = generate(
        decoder,
        [BASE],
        asked,
        budget_bytes=2**30,
        tick=lambda advance=1, note="": ticks.append(advance),
    )
    assert [len(text.tokens) for text in texts] == [1, 7, 3]
    assert texts[0].tokens == texts[1].tokens[:1] and texts[2].tokens == texts[1].tokens[:3]
    assert sum(ticks) == 11
    assert generate(decoder, [], asked, budget_bytes=2**30) == []
    assert generate(decoder, [BASE, BASE], [], budget_bytes=2**30) == [[], []]


def test_a_model_of_one_layer():
    model = build("llama", 0, **{**SIZE, "num_hidden_layers": 1})
    paths, asked = [(0,), (0, 0)], questions(2)
    check(model, paths, asked, generate(Decoder(model), paths, asked, budget_bytes=2**30))


def test_what_has_ended_leaves_and_layers_open_once_a_round_and_token():
    opened, rows = [], []

    @contextmanager
    def open_layer(k):
        opened.append(k)
        yield

    class Counted(Decoder):
        def run(self, k, hidden, call, cache=None):
            rows.append((k, hidden.shape[0], hidden.shape[1]))
            return super().run(k, hidden, call, cache)

    decoder = Counted(build("qwen2", 0, **SIZE), open_layer)
    paths = list(dict.fromkeys(PATHS))
    asked = questions(6)
    generate(decoder, paths, asked[:1], budget_bytes=2**30)
    opened.clear(), rows.clear()
    work, ticks = Work(), []
    texts = generate(
        decoder,
        paths,
        asked,
        budget_bytes=2**30,
        work=work,
        tick=lambda advance=1, note="": ticks.append(advance),
    )
    steps = 0
    expected = [0] * N
    for path, row in zip(paths, texts, strict=True):
        for each, text in zip(asked, row, strict=True):
            # The token that ends a text, and the last one, are chosen and not run.
            fed = min(len(text.tokens), each.max_new_tokens - 1)
            steps = max(steps, fed)
            for layer in path:
                expected[layer] += fed
    assert len({len(text.tokens) for row in texts for text in row}) > 2
    measured = 2 * N  # two tokens by which slots are weighed
    decoded = [sum(b for k, b, width in rows[measured:] if k == n and width == 1) for n in range(N)]
    assert decoded == expected
    # The prompts: each visit of the trie once an item, fewer than the paths' own.
    from workbench.scan.schedule.trie import build as trie_of

    prefilled = sum(b for _, b, width in rows[measured:] if width > 1)
    assert prefilled == len(asked) * trie_of(paths).passes
    assert work.layer_passes == prefilled + sum(decoded)
    assert sum(ticks) == len(paths) * len(asked) * 10
    assert len(opened) <= N + len(trie_of(paths).schedule()) * (1 + steps)


class Alive(TorchDispatchMode):
    """The bytes of all tensors made while it is on that are still referred to, and their peak.

    The weights of ``model`` are not counted."""

    def __init__(self, model):
        super().__init__()
        self.now = self.most = 0
        self.known = {weight.data_ptr() for weight in model.parameters()}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._see(tensor.untyped_storage())
        return out

    def _see(self, storage):
        at, size = storage.data_ptr(), storage.nbytes()
        if not size or at in self.known:
            return
        self.known.add(at)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, at, size)

    def _gone(self, at, size):
        self.known.discard(at)
        self.now -= size


def test_memory_stays_within_the_budget_and_texts_do_not_depend_on_it():
    model = build("qwen2", 0, **{**SIZE, "intermediate_size": 64})
    decoder = Decoder(model)
    asked, paths = questions(4, new=8), PATHS[:3]
    plenty = Work()
    whole = generate(decoder, paths, asked, budget_bytes=2**30, work=plenty)
    # Three rounds of the prompt, and of each new token but the last, which nothing follows.
    assert plenty.chunks == 1 and plenty.sweeps == 3 * 8
    peaks = []
    for budget in (300_000, 140_000):
        work = Work()
        with Alive(model) as alive:
            texts = generate(decoder, paths, asked, budget_bytes=budget, work=work)
        assert work.chunks > 1
        assert texts == whole
        assert budget / 4 < alive.most <= budget
        peaks.append(alive.most)
    assert peaks[0] > peaks[1]
    with pytest.raises(UserError, match="memory_gib"):
        generate(decoder, paths, asked, budget_bytes=20_000)


def test_a_path_that_overflows_says_so_and_harms_no_other():
    from transformers import AutoModelForCausalLM, GPT2Config

    gpt2 = {"vocab_size": 64, "n_embd": 64, "n_layer": N, "n_head": 4, "n_positions": 64}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(GPT2Config(**gpt2, **SPECIAL)).eval().half()
    with torch.no_grad():
        # 16-bit floats end at 65,504: one visit to layer 2 stays below, two do not.
        model.transformer.h[2].mlp.c_proj.bias.fill_(40_000.0)
    asked = questions(3)
    paths = [BASE, (0, 1, 2, 2, 3), (0, 1, 3)]
    base, broken, short = generate(Decoder(model), paths, asked, budget_bytes=2**30)
    assert broken == [Text((), True)] * 3
    assert [base, short] == generate(Decoder(model), paths[::2], asked, budget_bytes=2**30)
    assert all(text.tokens and not text.overflow for text in [*base, *short])
