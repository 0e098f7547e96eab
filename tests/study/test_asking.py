"""Answers and likelihoods in batches against the same model asked one by one, without batching."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.tiny.tokenizer import BOS_ID, EOS_ID
from workbench.study.questions.asking import (
    answer_greedy,
    answer_sampled,
    can_ask,
    exact,
    prompt,
    write,
)
from workbench.study.questions.items import TEMPLATES, Template
from workbench.study.questions.likelihood import (
    answer_logprob,
    answer_scores,
    batches,
    encode,
    token_scores,
)

PROMPTS = [
    "Question: What is 18 plus 37?\nAnswer:",
    "7+8=",
    "<|im_start|>user\nWhat is 4 plus 30?<|im_end|>\n<|im_start|>assistant\n",
    "12 plus 9 equals",
    "Question: What is 2 plus 2?\nAnswer:",
]


@pytest.fixture(scope="module", params=["tiny/sums", "tiny/sums-gemma3"])
def pair(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, PreTrainedTokenizerFast]:
    config = BaseConfig(base_model=request.param)
    return load_model(config), load_tokenizer(config)


def written_alone(model, tokenizer, text: str, count: int) -> list[int]:  # type: ignore[no-untyped-def]
    """Greedy ids without cache, padding or generate()."""
    ids = tokenizer(text)["input_ids"]
    new: list[int] = []
    while len(new) < count and EOS_ID not in new:
        with torch.no_grad():
            new.append(int(model(torch.tensor([ids + new])).logits[0, -1].argmax()))
    return new


def test_greedy_answers_are_those_of_each_prompt_alone(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    expected = []
    for text in PROMPTS:
        ids = written_alone(model, tokenizer, text, 12)
        ended = "turn" if EOS_ID in ids else "length"
        said = tokenizer.decode([i for i in ids if i != EOS_ID])
        if "\n" in said:
            said, ended = said.split("\n")[0], "text"
        expected.append((said.strip(), ended))
    for batch_size in (1, 2, 5):
        answers = write(model, tokenizer, PROMPTS, 12, batch_size)
        assert [(each.text, each.ended) for each in answers] == expected
    assert answer_greedy(model, tokenizer, PROMPTS, 12) == [text for text, _ in expected]
    assert "makes the number" in expected[0][0]


def test_generation_settings_of_the_checkpoint_do_not_count(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    plain = answer_greedy(model, tokenizer, PROMPTS, 12)
    theirs = model.generation_config
    warped = GenerationConfig(
        do_sample=True, temperature=5.0, repetition_penalty=9.0, top_k=3, eos_token_id=EOS_ID
    )
    model.generation_config = warped
    try:
        assert answer_greedy(model, tokenizer, PROMPTS, 12) == plain
        assert model.generation_config is warped
    finally:
        model.generation_config = theirs


def test_answers_end_at_the_strings_asked_for(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    full = answer_greedy(model, tokenizer, PROMPTS[:1], 12)[0]
    assert full.startswith("makes the number")
    cut = write(model, tokenizer, PROMPTS[:1], 12, until=(" the",))[0]
    assert (cut.text, cut.ended) == ("makes", "text")
    assert write(model, tokenizer, PROMPTS[:1], 2, until=())[0].ended == "length"


def test_sampled_answers_depend_on_seed_and_prompt_alone(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    together = answer_sampled(model, tokenizer, PROMPTS, 3, 4.0, 5, max_new_tokens=8)
    assert [len(each) for each in together] == [3] * len(PROMPTS)
    for place, text in enumerate(PROMPTS):
        alone = answer_sampled(model, tokenizer, [text], 3, 4.0, 5, max_new_tokens=8, batch_size=1)
        assert alone == [together[place]]
    other = answer_sampled(model, tokenizer, PROMPTS, 3, 4.0, 6, max_new_tokens=8)
    assert other != together


def test_sampled_tokens_have_the_models_probabilities(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    text, draws = "Question: What is", 2000
    temperature = 1.5
    drawn = answer_sampled(
        model, tokenizer, [text], draws, temperature, 1, max_new_tokens=1, batch_size=500
    )[0]
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0, -1]
    shares = torch.softmax(logits / temperature, -1)
    by_text: dict[str, float] = {}
    for token, share in enumerate(shares.tolist()):
        said = tokenizer.decode([token], skip_special_tokens=True).split("\n")[0].strip()
        by_text[said] = by_text.get(said, 0.0) + share
    for said, share in by_text.items():
        spread = (share * (1 - share) / draws) ** 0.5
        assert abs(drawn.count(said) / draws - share) < 4.5 * spread + 1e-3


def naive_scores(model, tokenizer, text: str) -> list[tuple[float, float, float]]:  # type: ignore[no-untyped-def]
    """Log-probability, mean and SD, token by token, each from a prefix run by itself."""
    ids = tokenizer(text)["input_ids"]
    out = []
    for place in range(1, len(ids)):
        with torch.no_grad():
            logits = model(torch.tensor([ids[:place]])).logits[0, -1].double()
        logs = (logits - logits.logsumexp(-1)).numpy()
        chances = np.exp(logs)
        mean = float((chances * logs).sum())
        sd = float(np.sqrt((chances * logs**2).sum() - mean**2))
        out.append((float(logs[ids[place]]), mean, sd))
    return out


def test_token_scores_are_those_of_each_text_alone(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    texts = [*PROMPTS, "x", ""]
    for batch_size in (1, 3):
        scores = token_scores(model, tokenizer, texts, batch_size=batch_size)
        assert [len(each) for each in scores[-2:]] == [0, 0]
        for text, each in zip(texts, scores, strict=True):
            found = np.stack([each.logprob, each.mean, each.sd], axis=1)
            wanted = np.array(naive_scores(model, tokenizer, text)).reshape(-1, 3)
            np.testing.assert_allclose(found, wanted, atol=2e-3)
            assert each.ids.tolist() == tokenizer(text)["input_ids"][1:]


def test_answers_are_as_likely_as_their_tokens(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    prompts = [PROMPTS[0], PROMPTS[1], PROMPTS[2], PROMPTS[3]]
    answers = ["55", "15", "34", "makes the number 21"]
    joined = [PROMPTS[0] + " 55", "7+8= 15", PROMPTS[2] + "34", PROMPTS[3] + " makes the number 21"]
    found = answer_logprob(model, tokenizer, prompts, answers, batch_size=3)
    for value, text, asked in zip(found, joined, prompts, strict=True):
        start = len(tokenizer(asked)["input_ids"])
        alone = naive_scores(model, tokenizer, text)[start - 1 :]
        assert value == pytest.approx(sum(each[0] for each in alone), abs=5e-3)
    parts = answer_scores(model, tokenizer, prompts, answers)
    assert [each.logprob.sum() for each in parts] == pytest.approx(list(found), abs=1e-3)


def test_the_model_comes_back_in_the_mode_it_was_in(
    tiny_folder: Callable[..., Path],
) -> None:
    folder = tiny_folder("llama")
    model = AutoModelForCausalLM.from_pretrained(folder).train()
    tokenizer = load_tokenizer(BaseConfig(base_model=str(folder)))
    token_scores(model, tokenizer, ["a b"])
    answer_greedy(model, tokenizer, ["a b"], 2)
    assert model.training


def with_bos(tokenizer: PreTrainedTokenizerFast, after: bool = False) -> PreTrainedTokenizerFast:
    """The tiny tokenizer with Llama's convention: BOS before every text, or EOS after it too."""
    import copy

    from tokenizers.processors import TemplateProcessing

    other = copy.deepcopy(tokenizer)
    end = " <|im_end|>" if after else ""
    other.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"<s> $A{end}", special_tokens=[("<s>", BOS_ID), ("<|im_end|>", EOS_ID)]
    )
    return other


@pytest.mark.parametrize("after", [False, True])
def test_special_tokens_are_the_tokenizers_own_and_come_once(after: bool) -> None:
    tokenizer = load_tokenizer(BaseConfig(base_model="tiny/sums"))
    plain = encode(tokenizer, "What is")
    assert plain == tokenizer("What is")["input_ids"]
    llama = with_bos(tokenizer, after)
    assert encode(llama, "What is") == [BOS_ID, *plain]
    assert encode(llama, "<s>What is") == [BOS_ID, *plain]


def test_prompts_follow_the_template() -> None:
    tokenizer = load_tokenizer(BaseConfig(base_model="tiny/sums"))
    by_name = {each.name: prompt("Is {x} odd?", each, tokenizer) for each in TEMPLATES}
    assert by_name["question-answer"] == "Question: Is {x} odd?\nAnswer:"
    assert by_name["chat"] == ("<|im_start|>user\nIs {x} odd?<|im_end|>\n<|im_start|>assistant\n")
    tokenizer.chat_template = None
    chat = Template("chat", chat=True)
    assert not can_ask(chat, tokenizer)
    assert can_ask(TEMPLATES[0], tokenizer)
    with pytest.raises(ValueError, match="chat template"):
        prompt("?", chat, tokenizer)


@pytest.mark.parametrize(
    ("answer", "target", "same"),
    [
        (" 55 ", "55", True),
        ("55.", "55", True),
        ("1,234", "1234", True),
        ("Paris", "paris", True),
        ("the  cat", "the cat", True),
        ("**7**", "7", True),
        ("makes 55", "55", False),
        ("5.5", "55", False),
        ("1,2", "12", False),
        ("", "0", False),
    ],
)
def test_exact_looks_past_form_only(answer: str, target: str, same: bool) -> None:
    assert exact(answer, target) is same
    assert exact(target, answer) is same


def test_long_texts_are_scored_in_pieces(pair, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    whole = token_scores(model, tokenizer, PROMPTS)
    monkeypatch.setattr("workbench.study.questions.likelihood._LOGITS", 384 * 20)
    monkeypatch.setattr("workbench.study.questions.likelihood._ENTRIES", 384 * 3)
    for one, other in zip(whole, token_scores(model, tokenizer, PROMPTS), strict=True):
        np.testing.assert_allclose(one.logprob, other.logprob, atol=1e-4)
        np.testing.assert_allclose(one.sd, other.sd, atol=1e-4)


@given(
    st.lists(st.integers(0, 40), max_size=30),
    st.integers(1, 8),
    st.none() | st.integers(1, 100),
)
def test_every_row_comes_once_and_batches_keep_their_limits(
    lengths: list[int], batch_size: int, most: int | None
) -> None:
    found = list(batches(lengths, batch_size, most))
    assert sorted(at for batch in found for at in batch) == list(range(len(lengths)))
    for batch in found:
        assert 1 <= len(batch) <= batch_size
        tokens = len(batch) * max(lengths[at] for at in batch)
        assert len(batch) == 1 or most is None or tokens <= most


def test_nothing_asked_is_nothing_answered(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    none: Sequence[str] = []
    assert answer_greedy(model, tokenizer, none) == []
    assert answer_sampled(model, tokenizer, none, 4) == []
    assert token_scores(model, tokenizer, none) == []
    assert len(answer_logprob(model, tokenizer, none, none)) == 0
