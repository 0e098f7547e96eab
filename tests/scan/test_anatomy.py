"""The anatomy's figures against the model's own forward, one text and one path at a time."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from workbench.bases.share import share
from workbench.bases.tiny.architectures import ARCHITECTURES, build
from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.relayer.reference import apply_path
from workbench.scan.anatomy.corpus import load, make_corpus
from workbench.scan.anatomy.lens import positions
from workbench.scan.anatomy.measure import measure_anatomy
from workbench.scan.schedule.decoder import Decoder

N = 4
SIZE = {"num_hidden_layers": N}
TOKENIZER = build_tokenizer()
PLENTY = 2**28


def outputs(model, path, ids):
    """The hidden state after each visit of ``path``, [len(path)][tokens, D], by hooks."""
    relayered = share(model)
    apply_path(relayered, path)
    seen = []
    for layer in relayered.model.layers:
        layer.register_forward_hook(
            lambda _, __, out: seen.append((out[0] if isinstance(out, tuple) else out)[0])
        )
    with torch.no_grad():
        relayered.eval()(input_ids=torch.tensor([ids]), use_cache=False)
    return seen


def quotients(h, once, twice):
    """By token, the first left out."""
    first, second = (once - h).norm(dim=-1), (twice - once).norm(dim=-1)
    return (second / first)[1:].median().item(), (second / first)[1:]


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a[1:], b[1:], dim=-1)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_figures_equal_a_forward_of_each_text(arch):
    model = build(arch, 0, **SIZE)
    found = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    texts = make_corpus(TOKENIZER, vocabulary=384, window=512, seed=0).texts
    assert len(texts) == found["n"]["block influence"] == 16
    states = []
    for ids in texts:
        with torch.no_grad():
            out = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
        # The last of them has been through the final norm; a hook gives it as the layer left it.
        states.append([*(h[0] for h in out[:-1]), outputs(model, range(N), ids)[-1]])

    wanted = [
        [torch.cat([cosine(h[a], h[b]) for h in states]).mean().item() for b in range(N + 1)]
        for a in range(N + 1)
    ]
    assert np.allclose(found["similarity"], wanted, atol=1e-5)
    layers = found["layers"]
    assert layers["block influence"] == pytest.approx(
        [1 - wanted[k][k + 1] for k in range(N)], abs=1e-5
    )
    growth = [
        np.mean([(h[k + 1].norm(dim=-1) / h[k].norm(dim=-1))[1:].log().mean() for h in states])
        for k in range(N)
    ]
    assert layers["norm growth"] == pytest.approx(growth, abs=1e-5)

    k = 2
    medians = []
    for ids, h in zip(texts, states, strict=True):
        out = outputs(model, (*range(k + 1), k), ids)
        medians.append(np.median(quotients(h[k], out[k], out[k + 1])[1]))
    assert layers["displacement"][k] == pytest.approx(np.mean(medians), rel=1e-4)
    half = found["intervals"]["displacement"][k][1] - layers["displacement"][k]
    assert half == pytest.approx(2.1314 * np.std(medians, ddof=1) / 4, rel=1e-3)  # t, 15 freedom

    entropies = []
    for h in states:
        rows = h[k + 1][positions(len(h[0]))]
        with torch.no_grad():
            logp = model.lm_head(model.model.norm(rows)).log_softmax(-1)
        entropies.append(-(logp.exp() * logp).sum(-1).mean().item())
    assert layers["lens entropy"][k] == pytest.approx(np.mean(entropies), abs=1e-4)

    blocks = np.array(found["blocks"]["displacement"], dtype=float)
    assert np.isfinite(blocks).tolist() == np.triu(np.ones((N + 1, N + 1)), 1).astype(bool).tolist()
    for i, j in ((1, 3), (0, 4), (3, 4)):
        medians = []
        for ids, h in zip(texts[:4], states, strict=False):
            out = outputs(model, (*range(j), *range(i, j)), ids[:24])
            medians.append(np.median(quotients(h[i][:24], h[j][:24], out[-1])[1]))
        assert blocks[i, j] == pytest.approx(np.mean(medians), rel=1e-4)


def test_layers_are_opened_twice_at_most_and_the_model_is_left_as_it_was():
    opened = Counter()

    @contextmanager
    def open_layer(k):
        opened[k] += 1
        yield

    model = build("gemma3", 0, **SIZE)
    tokens = torch.tensor([[5, 6, 7, 8]])
    before = model(input_ids=tokens).logits
    decoder = Decoder(model, open_layer)
    decoder.enter(tokens)
    opened.clear()
    measure_anatomy(decoder, TOKENIZER, seed=0, budget_bytes=PLENTY)
    assert opened == dict.fromkeys(range(N), 2)
    assert torch.equal(model(input_ids=tokens).logits, before)


def test_a_small_budget_means_fewer_texts_and_is_told():
    model = build("llama", 0, **SIZE)
    plenty = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    # 768 tokens of 64 floats at 5 depths are 983,040 bytes; a quarter of the budget is theirs.
    some = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=2**21)
    assert 2 <= some["n"]["block influence"] < 16
    assert any("of 16 texts fit" in note for note in some["notes"])
    assert np.array(some["blocks"]["displacement"], dtype=float) == pytest.approx(
        np.array(plenty["blocks"]["displacement"], dtype=float), rel=1e-4, nan_ok=True
    )
    none = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=1000)
    assert none["similarity"] == [] and none["blocks"] == {}
    assert all(row == [None] * N for row in none["layers"].values())
    assert sum("memory_gib" in note for note in none["notes"]) == 3


def test_a_tokenizer_of_a_few_symbols():
    """It reads neither texts nor sentences: random tokens stand in, and no number is made up."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: i for i, word in enumerate(["<unk>", "<pad>", "a", "b", "c", "0", "1", "2"])}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", pad_token="<pad>"
    )
    corpus = make_corpus(tokenizer, vocabulary=384, window=32, seed=3)
    assert {len(ids) for ids in corpus.texts} == {32} and not corpus.sentences
    assert {token for ids in corpus.texts for token in ids} == set(range(2, 8))
    assert corpus == make_corpus(tokenizer, vocabulary=384, window=32, seed=3)

    model = build("qwen2", 0, **SIZE)
    found = measure_anatomy(Decoder(model), tokenizer, seed=3, budget_bytes=PLENTY)
    assert found["layers"]["language agreement"] == [None] * N
    assert None not in found["layers"]["block influence"]
    assert [note for note in found["notes"] if "random tokens" in note]
    assert [note for note in found["notes"] if "No language agreement" in note]


def test_layers_that_do_nothing_or_overflow_are_null():
    model = build("qwen2", 0, **SIZE)
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight.zero_()
        model.model.layers[1].mlp.down_proj.weight.zero_()
    found = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    assert found["layers"]["block influence"][1] == pytest.approx(0, abs=1e-6)
    assert [v is None for v in found["layers"]["displacement"]] == [False, True, False, False]
    assert any(note.startswith("No displacement at layer 1:") for note in found["notes"])

    with torch.no_grad():
        model.model.layers[2].mlp.down_proj.weight.fill_(float("inf"))
    found = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    json.dumps(found, allow_nan=False)
    for values in found["layers"].values():
        assert values[2:] == [None, None]
    assert found["layers"]["language agreement"][0] is not None
    assert found["similarity"][0][2] is not None and found["similarity"][0][3] is None


def test_one_layer_and_few_positions():
    """A model of one layer, and GPT-2 with 64 positions, shorter than most sentences in bytes."""
    from transformers import AutoModelForCausalLM, GPT2Config

    model = build("qwen2", 0, num_hidden_layers=1)
    found = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    assert np.shape(found["similarity"]) == (2, 2) and len(found["layers"]["displacement"]) == 1

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=384, n_embd=64, n_layer=2, n_head=4, n_positions=64, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval()
    found = measure_anatomy(Decoder(model), TOKENIZER, seed=0, budget_bytes=PLENTY)
    assert [note for note in found["notes"] if "64 positions in:" in note and "Burmese" in note]
    assert None not in found["layers"]["lens entropy"]


def test_the_sentences_are_the_same_twelve_in_eight_languages():
    sentences = load("languages", "sentences")
    assert len(sentences) == 8
    assert all(len(set(lines)) == 12 for lines in sentences.values())
    assert not any(letter.isdigit() for lines in sentences.values() for letter in "".join(lines))
