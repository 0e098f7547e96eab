"""Instruction data: formats, instructions made by rule, and a model that has read chats."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from tests.study.hypotheses.reader import reader
from workbench.bases.tiny.architectures import build
from workbench.bases.tiny.tokenizer import EOS, build_tokenizer
from workbench.study.hypotheses.instruction import InstructionData, complies
from workbench.study.probing.chat_format import CHATML, Format, own_format, random_format
from workbench.study.probing.instructions import COMMON, KINDS, frequent, instructions
from workbench.study.questions.asking import Answer
from workbench.study.questions.likelihood import token_scores
from workbench.study.subject import Subject

LLAMA = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def base(document: Callable[[random.Random], str], steps: int = 60) -> PreTrainedModel:
    return reader(lambda draw: [document(draw) for _ in range(24)], steps)


def told(draw: random.Random) -> tuple[str, str]:
    made = instructions(1, draw.randrange(10**6))[0]
    return made.text, made.answer


def chat(draw: random.Random) -> str:
    question, answer = told(draw)
    return f"{CHATML.before}{question}{CHATML.between}{answer}"


def prose(draw: random.Random) -> str:
    return " ".join(told(draw))


def subject_of(model: PreTrainedModel) -> Subject:
    return Subject("base", lambda: model, build_tokenizer(), options={"count": 36})


def test_a_base_that_read_chats_is_found_and_one_that_read_prose_is_not() -> None:
    probe = InstructionData()
    found = probe.measure(subject_of(base(chat)))
    assert probe.decide(found, ()) is True
    assert found.parts["format"] == "the tokenizer's chat template"
    assert found.parts["end_of_turn"]["value"] > 0.5
    other = probe.measure(subject_of(base(prose)))
    assert probe.decide(other, ()) is False
    # Its documents end with the token that ends turns: the marks must tell.
    assert found.value is not None and other.value is not None and found.value < other.value - 2


def test_marks_that_are_text_end_turns_too() -> None:
    """ChatML in a vocabulary without its tokens, as most bases without a chat template have it."""
    marks = Format("User>", " STOP\nHelper>", " STOP\n")
    tokenizer = build_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ 'User>' if m['role'] == 'user' else 'Helper>' }}"
        "{{ m['content'] }} STOP\n{% endfor %}"
    )
    assert own_format(tokenizer)[0] == marks

    def document(draw: random.Random) -> str:
        question, answer = told(draw)
        return f"{marks.prompt(question)}{answer}{marks.end}"

    model = base(document, steps=80)
    subject = Subject("base", lambda: model, tokenizer, options={"count": 24})
    found = InstructionData().measure(subject)
    assert found.parts["end_of_turn"]["value"] > 0.5
    assert InstructionData().decide(found, ()) is True


def test_the_statistic_is_the_loss_on_marks_alone() -> None:
    model, tokenizer = build("llama", num_hidden_layers=2), build_tokenizer()
    found = InstructionData().measure(subject_of(model))
    asked = instructions(36, 0)
    formats = [CHATML, *(random_format(CHATML, seed) for seed in range(3))]
    losses = []
    for format_ in formats:
        by_text = []
        for one in asked:
            before = tokenizer(format_.before)["input_ids"]
            question = tokenizer(one.text)["input_ids"]
            between = tokenizer(format_.between)["input_ids"]
            answer = tokenizer(one.answer)["input_ids"]
            end = tokenizer(format_.end)["input_ids"]
            ids = [*before, *question, *between, *answer, *end]
            is_mark = [True] * len(before) + [False] * len(question) + [True] * len(between)
            is_mark += [False] * len(answer) + [True] * len(end)
            with torch.no_grad():
                logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            steps = range(1, len(ids))
            by_text.append(np.mean([-logs[at - 1, ids[at]].item() for at in steps if is_mark[at]]))
        losses.append(by_text)
    own, *others = np.array(losses)
    assert found.value == pytest.approx(float(np.mean(own - np.mean(others, axis=0))), abs=1e-3)


def test_contents_have_the_same_tokens_in_every_format() -> None:
    tokenizer = build_tokenizer()
    for one in instructions(12, 3):
        inside = set()
        for format_ in (CHATML, random_format(CHATML, 1), Format("", "\n", "")):
            ids, places = format_.ids(tokenizer, one.text, one.answer)
            inside.add(tuple(ids[at] for at in places))
            text = format_.prompt(one.text) + one.answer + format_.end
            assert tokenizer.decode(ids) == text
        assert len(inside) == 1


def test_the_tokenizers_own_format_is_taken_apart() -> None:
    tokenizer = build_tokenizer()
    assert own_format(tokenizer) == (CHATML, "the tokenizer's chat template")
    tokenizer.chat_template = LLAMA
    found, _ = own_format(tokenizer)
    assert found.before == "<s><|start_header_id|>user<|end_header_id|>\n\n"
    assert found.between == "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    assert found.end == "<|eot_id|>"
    # BOS comes once, though both the template and the tokenizer might put it.
    assert found.ids(tokenizer, "a", "b")[0].count(1) == 1
    for broken in (None, "{{ raise_exception('no') }}", "{{ messages[0]['content'] | upper }}"):
        tokenizer.chat_template = broken
        assert own_format(tokenizer) == (CHATML, "ChatML")


def test_random_formats_keep_the_layout_and_no_word() -> None:
    for seed in range(20):
        found = random_format(CHATML, seed)
        for mine, theirs in (
            (found.before, CHATML.before),
            (found.between, CHATML.between),
            (found.end, CHATML.end),
        ):
            word = r"[^\W\d_]+"
            assert re.sub(word, "x", mine) == re.sub(word, "x", theirs)
        words = set(re.findall(r"[a-z]+", found.before + found.between + found.end))
        assert words <= set(COMMON)
        assert len(words) == 5
        assert found == random_format(CHATML, seed)
    assert random_format(CHATML, 1) != random_format(CHATML, 2)


def test_instructions_have_the_form_they_demand() -> None:
    made = instructions(120, 0)
    assert len({one.text for one in made}) == 120
    assert all(re.fullmatch(one.form, one.answer) for one in made)
    assert {one.form for one in made[: len(KINDS)]} == {one.form for one in made}
    assert made == instructions(120, 0)
    assert made != instructions(120, 1)
    assert instructions(5, 0) == made[:5]


def test_instructions_use_the_items_words_where_there_are_enough() -> None:
    texts = ["apple berry cherry dates elder figs grape honey iris jasmine kale"] * 3
    assert frequent(texts) == texts[0].split()
    joined = " ".join(one.text for one in instructions(30, 0, texts))
    assert "cherry" in joined
    assert "bread" not in joined
    assert "bread" in " ".join(one.text for one in instructions(30, 0, ["two words"]))


@pytest.mark.parametrize(
    ("text", "ended", "kind", "form"),
    [
        ("Rome", "turn", 0, True),
        ("Rome.", "text", 0, True),
        ("Rome", "length", 0, False),
        ("The word is Rome", "turn", 0, False),
        ("3", "turn", 2, True),
        ("3.", "turn", 2, True),
        ("three", "turn", 2, False),
        ("3 and 4", "turn", 2, False),
        ("yes", "turn", 4, True),
        ("Yes, it is", "turn", 4, False),
        ("B", "turn", 5, True),
        ("BC", "turn", 5, False),
        ("", "turn", 0, False),
    ],
)
def test_an_answer_complies_by_its_form(text: str, ended: str, kind: int, form: bool) -> None:
    asked = instructions(len(KINDS), 0)[kind]
    answer = Answer(text, ended)  # type: ignore[arg-type]
    assert complies(answer, asked) is form


def test_the_end_of_a_document_is_no_end_of_a_turn() -> None:
    """A base that ends what it writes, but not with the chat's mark, has not read chats."""
    model = base(lambda draw: draw.choice(COMMON), steps=30)
    tokenizer = build_tokenizer()
    tokenizer.chat_template = LLAMA
    assert tokenizer.eos_token == EOS
    found = InstructionData().measure(
        Subject("base", lambda: model, tokenizer, options={"count": 12})
    )
    assert found.parts["end_of_turn"]["value"] == 0
    assert token_scores(model, tokenizer, ["a"])[0].ids.size == 0
