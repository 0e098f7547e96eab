"""Contamination: sub-tests against naive loops, calibration, and a model that read the items."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from transformers import PreTrainedModel

from tests.study.hypotheses.reader import reader
from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.study.hypotheses.contamination import Contamination
from workbench.study.probing import completion, exchangeability, min_k, option_order, variants
from workbench.study.probing.texts import asked, frame, whole, with_options
from workbench.study.questions.items import TEMPLATES, Item
from workbench.study.questions.likelihood import token_scores
from workbench.study.subject import Subject

WORDS = [
    "number",
    "take",
    "make",
    "from",
    "two",
    "add",
    "one",
    "user",
    "sum",
    "how",
    "much",
    "more",
    "less",
    "helpful",
]


def items(count: int, seed: int) -> list[Item]:
    draw = random.Random(f"items {seed}")
    made = []
    for at in range(count):
        words = " ".join(draw.choice(WORDS) for _ in range(7))
        options = tuple(draw.sample(WORDS, 4))
        question = f"{words} {draw.randint(10, 99)} {draw.choice(WORDS)}?"
        made.append(Item(f"{seed}-{at}", question, draw.choice(options), options))
    return made


def twin(item: Item, seed: int) -> Item:
    """The same text with another number of two digits, and another answer."""
    draw = random.Random(f"twin {item.id} {seed}")
    question = " ".join(
        str(draw.randint(10, 99)) if word.isdigit() else word for word in item.question.split()
    )
    answer = draw.choice([option for option in item.options if option != item.answer])
    return replace(item, id=f"twin-{item.id}", question=question, answer=answer, pair=item.id)


@pytest.fixture(scope="module")
def asked_items() -> tuple[list[Item], list[Item]]:
    suspect = items(64, 1)
    return suspect, [*items(64, 2), *(twin(item, 3) for item in suspect)]


def subject_of(model: PreTrainedModel, suspect: Sequence[Item], fresh: Sequence[Item]) -> Subject:
    return Subject("base", lambda: model, build_tokenizer(), 0, suspect, fresh)


def reading(read: Sequence[Item]) -> Callable[[random.Random], list[str]]:
    """Documents of one item each, half of them with the options."""

    def documents(draw: random.Random) -> list[str]:
        texts = []
        for item in draw.sample(list(read), 32):
            listed = with_options(item.question, item.options)
            question = listed if draw.random() < 0.5 else item.question
            texts.append(whole(replace(item, question=question), TEMPLATES[0]))
        return texts

    return documents


@pytest.fixture(scope="module")
def clean(asked_items: tuple[list[Item], list[Item]]) -> Subject:
    """A base that read other items of the same kind as often."""
    return subject_of(reader(reading(items(64, 4)), 70), *asked_items)


@pytest.fixture(scope="module")
def contaminated(asked_items: tuple[list[Item], list[Item]]) -> Subject:
    return subject_of(reader(reading(asked_items[0]), 100), *asked_items)


def test_min_k_is_the_mean_of_the_lowest_standard_scores(clean: Subject) -> None:
    text = whole(clean.suspect[0], frame(clean))
    model, ids = clean.model(), clean.tokenizer(text)["input_ids"]
    with torch.no_grad():
        logs = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1).numpy()
    standard = []
    for row, token in zip(logs, ids[1:], strict=True):
        mean = np.sum(np.exp(row) * row)
        standard.append((row[token] - mean) / np.sqrt(np.sum(np.exp(row) * (row - mean) ** 2)))
    lowest = sorted(standard)[: int(0.2 * len(standard))]
    scored = token_scores(model, clean.tokenizer, [text])[0]
    assert min_k.min_k(scored, 0.2) == pytest.approx(np.mean(lowest), rel=1e-3)
    assert min_k.min_k(scored, 1e-9) == pytest.approx(min(standard), rel=1e-3)


def test_a_base_that_read_the_items_is_found_and_says_by_what(contaminated: Subject) -> None:
    probe = Contamination()
    found = probe.measure(contaminated)
    tests = found.parts["tests"]
    assert probe.decide(found, ()) is True
    assert found.value is not None and found.value > 0.9
    assert found.value == tests["min_k"]["value"]
    assert set(found.parts["count"]) == {"min_k", "completion", "option_order", "variants"}
    for one in tests["completion"]["exact"]:
        assert one["suspect"] > 0.9
        assert one["fresh"] == 0
    score = tests["variants"]["score"]
    assert score["suspect"] > score["variants"]
    # Items were read one by one, so that there is no order to be known.
    assert tests["exchangeability"]["p"] > 0.001


def test_a_base_that_did_not_is_not(clean: Subject) -> None:
    probe = Contamination()
    found = probe.measure(clean)
    assert found.parts["count"] == []
    assert probe.decide(found, ()) is not True
    assert set(found.parts["ran"]) == {
        "min_k", "completion", "option_order", "exchangeability", "variants"
    }  # fmt: skip
    assert found.ci95 is not None and found.ci95[0] < 0.5 < found.ci95[1]
    assert found == probe.measure(clean)


def test_what_cannot_run_says_so(clean: Subject) -> None:
    bare = [Item(one.id, one.question, one.answer) for one in clean.suspect[:25]]
    found = Contamination().measure(replace(clean, suspect=bare, fresh=()))
    assert found.value is None
    assert found.parts["ran"] == []
    tests = found.parts["tests"]
    assert "fresh" in tests["min_k"]["words"]
    assert "options" in tests["option_order"]["words"]
    assert "shards" in tests["exchangeability"]["words"]
    assert "pair" in tests["variants"]["words"]
    assert Contamination().decide(found, ()) is None


def test_without_fresh_items_a_known_order_still_shows(contaminated: Subject) -> None:
    found = Contamination().measure(replace(contaminated, fresh=()))
    assert found.value is None
    assert "option_order" in found.parts["count"]
    assert Contamination().decide(found, ()) is True


def test_the_files_order_is_found_by_a_base_that_read_it(clean: Subject) -> None:
    suspect = [replace(item, question=" ".join(item.question.split()[:4])) for item in items(66, 5)]
    texts = [whole(item, TEMPLATES[0]) for item in suspect]

    def documents(draw: random.Random) -> list[str]:
        starts = [draw.randrange(len(texts) - 3) for _ in range(16)]
        return [exchangeability.JOINT.join(texts[at : at + 4]) for at in starts]

    size = {"orders": 5, "max_tokens": 256, "batch_size": 16}
    read = exchangeability.measure(subject_of(reader(documents, 80), suspect, ()), **size)
    assert read.n == 33
    assert read.p is not None and read.p < 1e-4
    unread = exchangeability.measure(replace(clean, suspect=suspect), **size)
    assert unread.p is not None and unread.p > 1e-3


def test_order_tests_are_calibrated_where_the_order_is_nobodys(clean: Subject) -> None:
    """Items dealt out anew each time: p of both order tests must be uniform."""
    p_order, p_shards = [], []
    for seed in range(24):
        draw = random.Random(seed)
        short = [
            Item(str(at), draw.choice(WORDS), draw.choice(WORDS), tuple(draw.sample(WORDS, 4)))
            for at in range(60)
        ]
        subject = replace(clean, suspect=short, fresh=(), seed=seed)
        found = option_order.measure(subject, orders_tried=3, items=20, batch_size=32)
        p_order.append(found.p)
        found = exchangeability.measure(subject, orders=1, max_tokens=256, batch_size=32)
        p_shards.append(found.p)
    assert stats.kstest(p_order, "uniform").pvalue > 0.01
    assert stats.kstest(p_shards, "uniform").pvalue > 0.01


def test_ranks_are_those_of_each_order_alone(clean: Subject) -> None:
    item = clean.suspect[0]
    item = replace(item, options=item.options[:3], answer=item.options[0])
    rng = np.random.default_rng(0)
    tried = option_order.orders(3, 10, rng)
    assert len(tried) == len(set(tried)) == 6
    assert tried[0] == (0, 1, 2)
    totals = []
    for order in tried:
        text = asked(with_options(item.question, [item.options[at] for at in order]), frame(clean))
        totals.append(token_scores(clean.model(), clean.tokenizer, [text])[0].logprob.sum())
    below = sum(one < totals[0] for one in totals[1:]) / 5
    found = option_order._ranks(clean, [item], 10, 4)
    assert found[0] == pytest.approx(below - 0.5)


@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 9))
def test_orders_begin_with_the_own_one_and_do_not_repeat(count: int, most: int, seed: int) -> None:
    found = option_order.orders(count, most, np.random.default_rng(seed))
    assert found[0] == tuple(range(count))
    assert len(found) == len(set(found)) == min(most, int(np.prod(range(1, count + 1))) - 1) + 1


@given(st.lists(st.integers(1, 40), max_size=200), st.integers(10, 300))
def test_shards_are_runs_of_one_length_that_fit(lengths: list[int], context: int) -> None:
    found = exchangeability.shards(lengths, context)
    assert not found or len(found) >= 30
    assert len({len(run) for run in found}) <= 1
    places = [at for run in found for at in run]
    assert places == sorted(set(places))
    assert all(len(run) >= 2 and sum(lengths[at] for at in run) <= context for run in found)


def test_cuts_show_a_share_and_keep_the_rest() -> None:
    question = "Ann has 14 pens and 3 cups. How many?"
    found = completion.cut(question, 0.4)
    assert found is not None
    assert found.shown == "Ann has 14 pens"
    assert found.rest == ("and", "3", "cups.", "How", "many?")
    assert completion.cut("What is it?", 0.4) is None
    chinese = completion.cut("小明有三个苹果和两个梨请问他一共有几个水果", 0.6)
    assert chinese is not None
    assert chinese.shown + "".join(chinese.rest) == "小明有三个苹果和两个梨请问他一共有几个水果"
    assert len(chinese.shown) == 13


@pytest.mark.parametrize(
    ("said", "whole_rest", "share"),
    [
        ("and 3 cups. How many? 17", True, 1.0),
        ("and 3 cups", False, 2 * 2 / 8),
        ("nothing of it", False, 0.0),
        ("", False, 0.0),
    ],
)
def test_agreement_is_with_the_beginning(said: str, whole_rest: bool, share: float) -> None:
    rest = ("and", "3", "cups.", "How", "many?")
    found = completion.agreement(said, rest)
    assert found == (whole_rest, pytest.approx(share))


def test_variants_of_other_magnitudes_are_left_out() -> None:
    one = Item("1", "Add 12 and 7.", "19")
    assert variants.matched(one, Item("2", "Add 31 and 4.", "35", pair="1"))
    assert not variants.matched(one, Item("2", "Add 312 and 4.", "316", pair="1"))
    assert not variants.matched(one, Item("2", "Add 99 and 4.", "103", pair="1"))
    assert variants.pairs([one], [Item("2", "", "", pair="1"), Item("3", "", "", pair="9")]) == [
        (one, Item("2", "", "", pair="1"))
    ]
