"""The tokenizer's numbers against counts by hand, on tokenizers whose splitting is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from transformers import PreTrainedTokenizerBase

from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.study.hypotheses.tokenizer import (
    Tokenizer,
    bytes_per_token,
    digit_tokens,
    sample,
)
from workbench.study.questions.items import Item
from workbench.study.subject import Subject


def splitting(pattern: str) -> PreTrainedTokenizerBase:
    """Byte-level BPE over numbers, cut into pre-tokens by ``pattern``."""
    from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as Backend
    from transformers import PreTrainedTokenizerFast

    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=20_000,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator((f" {n}" for n in range(10_000)), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def subject_of(tokenizer: PreTrainedTokenizerBase, items: list[Item]) -> Subject:
    def none() -> None:
        raise AssertionError("the probe needs no model")

    return Subject("base", none, tokenizer, fresh=items)  # type: ignore[arg-type]


ITEMS = [Item(str(n), f"What is {n} plus {100 + n}?", str(100 + 2 * n)) for n in range(10, 60)]


def test_single_digits_are_not_merged() -> None:
    probe = Tokenizer()
    found = probe.measure(subject_of(build_tokenizer(), ITEMS))
    numbers = {str(x) for n in range(10, 60) for x in (n, 100 + n, 100 + 2 * n)}
    assert (found.value, found.n) == (0.0, len(numbers))
    assert found.parts["one_token_by_digits"] == {"2": 0.0, "3": 0.0, "4": 0.0}
    assert found.parts["tokens_per_number"] == np.mean([len(one) for one in numbers])
    assert probe.decide(found, ()) is False


def test_merged_digits_are_found() -> None:
    probe = Tokenizer()
    three = splitting(r" ?\p{N}{1,3}| ?[^\s\p{N}]+|\s+")
    found = probe.measure(subject_of(three, ITEMS))
    assert found.value == 1.0
    assert found.parts["one_token_by_digits"] == {"2": 1.0, "3": 1.0, "4": 0.0}
    assert probe.decide(found, ()) is True
    pairs = probe.measure(subject_of(splitting(r" ?\p{N}{1,2}| ?[^\s\p{N}]+|\s+"), ITEMS))
    assert pairs.parts["one_token_by_digits"] == {"2": 1.0, "3": 0.0, "4": 0.0}
    assert pairs.value is not None and 0.2 < pairs.value < 0.5
    assert probe.decide(pairs, ()) is True


def test_without_items_a_sample_of_numbers_is_taken() -> None:
    found = Tokenizer().measure(subject_of(build_tokenizer(), []))
    assert found.parts["source"] == "a sample"
    assert found.n == sum(map(len, sample(0).values())) == 90 + 200 + 200
    assert found.parts["bytes_per_token"] is None


def test_the_tasks_questions_do_where_there_are_no_items() -> None:
    subject = subject_of(build_tokenizer(), [])
    before = pd.DataFrame({"question": [one.question for one in ITEMS]})
    from dataclasses import replace

    found = Tokenizer().measure(replace(subject, before=before))
    assert found.parts["source"] == "the items' texts"
    assert found.parts["bytes_per_token"]["n"] == len(ITEMS)


def test_bytes_per_token_is_a_ratio_of_sums() -> None:
    tokenizer = build_tokenizer()
    texts = [one.question for one in ITEMS] + ["小明有三个苹果", "naïve"]
    total = sum(len(text.encode()) for text in texts)
    tokens = sum(len(tokenizer(text)["input_ids"]) for text in texts)
    found = bytes_per_token(tokenizer, texts)
    assert found is not None
    assert found["value"] == pytest.approx(total / tokens)
    rng = np.random.default_rng(0)
    sizes = np.array([len(text.encode()) for text in texts])
    counts = np.array([len(tokenizer(text)["input_ids"]) for text in texts])
    drawn = rng.integers(len(texts), size=(4000, len(texts)))
    ratios = sizes[drawn].sum(1) / counts[drawn].sum(1)
    low, high = found["ci95"]
    assert (high - low) / 2 == pytest.approx(1.96 * ratios.std(), rel=0.15)


def test_digits_are_counted_without_what_stands_around_them() -> None:
    assert digit_tokens(build_tokenizer(), "1234") == 4
    assert digit_tokens(splitting(r" ?\p{N}{1,3}|\s+"), "1234") == 2
