"""Tiny checkpoints are ordinary checkpoints: plain transformers loads them as they were built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.bases.tiny.architectures import ARCHITECTURES, build
from workbench.bases.tiny.tokenizer import BOS_ID, EOS_ID, PAD_ID, VOCAB_SIZE, build_tokenizer

CHAT = [
    {"role": "user", "content": "What is 1 plus 2?"},
    {"role": "assistant", "content": "3"},
    {"role": "user", "content": "and 4?"},
    {"role": "assistant", "content": "7"},
]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_checkpoint_comes_back_as_built(arch, tiny_folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder(arch)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = torch.arange(40)[None] + 5
    with torch.no_grad():
        assert torch.equal(model(ids).logits, build(arch)(ids).logits)
    for holder in (model.config, model.generation_config, tokenizer):
        assert (holder.pad_token_id, holder.bos_token_id, holder.eos_token_id) == (
            PAD_ID,
            BOS_ID,
            EOS_ID,
        )
    assert len(tokenizer) == VOCAB_SIZE == model.get_input_embeddings().num_embeddings
    text = "Question: What is 12 plus 34?\n\nAnswer:  46, don't 漢字 é"
    assert tokenizer(text)["input_ids"] == build_tokenizer()(text)["input_ids"]


@pytest.mark.parametrize("arch", ["qwen2", "llama"])
def test_chat_template_marks_the_assistant_and_its_end(arch, tiny_folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder(arch))
    out = tokenizer.apply_chat_template(CHAT, return_dict=True, return_assistant_tokens_mask=True)
    pairs = zip(out["input_ids"], out["assistant_masks"], strict=True)
    supervised = tokenizer.decode([token for token, marked in pairs if marked])
    assert supervised == "3<|im_end|>7<|im_end|>"
    prompt = tokenizer.apply_chat_template(CHAT[:1], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(CHAT[:2], tokenize=False)
    assert whole.startswith(prompt)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_tokenizer_is_total(text):
    import unicodedata

    tokenizer = build_tokenizer()
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == unicodedata.normalize("NFC", text)


def test_every_digit_is_a_token():
    tokenizer = build_tokenizer()
    assert [tokenizer.decode([i]) for i in tokenizer("12+345=")["input_ids"]] == list("12+345=")


def test_building_leaves_the_random_state_alone():
    torch.manual_seed(3)
    first = torch.rand(2)
    torch.manual_seed(3)
    build("qwen2", seed=9)
    assert torch.equal(torch.rand(2), first)


def test_fixture_hands_out_one_folder_per_arguments(tiny_folder):
    assert tiny_folder("llama") == tiny_folder("llama")
    assert tiny_folder("llama", num_hidden_layers=3) != tiny_folder("llama")
    assert isinstance(tiny_folder("llama"), Path)
