"""Which tokens are learnt, against TRL's own masks and against texts cut by hand."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UserError, Where
from workbench.finetune.encode import IGNORED, Encoded, Encoder
from workbench.finetune.samples import Chat, Pair, Preference, RowError, Text
from workbench.finetune.supervision import encode_all
from workbench.finetune.tokens import prepare_tokenizer

TURNS = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 1 plus 2?"},
    {"role": "assistant", "content": "3"},
    {"role": "user", "content": "And 4?"},
    {"role": "assistant", "content": "The sum is\n7 "},
)

#: Shows a thought in the last answer alone, as Qwen3's does, and opens turns without one.
THINKING = """\
{%- for m in messages %}{{- '<|im_start|>' + m['role'] + '\\n' }}
{%- if m['role'] == 'assistant' and loop.last %}{{- '<s>\\n\\n<s>' }}{% endif %}
{{- m['content'] + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{% endif %}"""

#: Refuses system turns and writes the first line alone, as older families do.
INST = """\
{%- for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}
{%- if m['role'] == 'user' %}{{- '[INST] ' + m['content'] + ' [/INST]' }}
{%- else %}{{- ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"""


@pytest.fixture
def tokenizer(base: Any) -> Any:
    return copy.deepcopy(base("qwen2")[1])


def unmarked(template: str) -> str:
    return re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", template)


def learnt(tokenizer: Any, row: Encoded) -> str:
    kept = [label for label in row.labels if label != IGNORED]
    return str(tokenizer.decode(kept, skip_special_tokens=False))


def encoder(tokenizer: Any, **kwargs: Any) -> Encoder:
    return Encoder(tokenizer, frozenset({tokenizer.eos_token_id}), **kwargs)


def test_marks_and_rendering_find_the_same_assistant_tokens(tokenizer: Any) -> None:
    marked = encoder(tokenizer).encode(Chat(TURNS))
    tokenizer.chat_template = unmarked(tokenizer.chat_template)
    assert "generation %}" not in tokenizer.chat_template
    assert encoder(tokenizer).encode(Chat(TURNS)) == marked
    assert learnt(tokenizer, marked) == "3<|im_end|>The sum is\n7 <|im_end|>"


@pytest.mark.parametrize(
    ("template", "turns", "expected"),
    [
        (THINKING, TURNS, "3<|im_end|><s>\n\n<s>The sum is\n7 <|im_end|>"),
        (INST, TURNS[1:], " 3<|im_end|> The sum is\n7 <|im_end|>"),
    ],
)
def test_templates_without_marks(tokenizer: Any, template: str, turns: Any, expected: str) -> None:
    tokenizer.chat_template = template
    row = encoder(tokenizer).encode(Chat(turns))
    assert learnt(tokenizer, row) == expected
    served = tokenizer.apply_chat_template(list(turns), tokenize=True, return_dict=True)
    assert row.input_ids == served["input_ids"]


def test_a_template_that_refuses_the_turns_is_the_rows_fault(tokenizer: Any) -> None:
    tokenizer.chat_template = INST
    with pytest.raises(RowError, match="no system"):
        encoder(tokenizer).encode(Chat(TURNS))


def test_only_the_completion_of_a_conversational_pair(tokenizer: Any) -> None:
    row = encoder(tokenizer).encode(Chat(TURNS, first=4))
    assert learnt(tokenizer, row) == "The sum is\n7 <|im_end|>"


def test_pairs_texts_and_inputs(tokenizer: Any) -> None:
    row = encoder(tokenizer).encode(Pair("What is 1 plus 2?", " 3"))
    assert learnt(tokenizer, row) == " 3<|im_end|>"
    assert encoder(tokenizer).encode(Text("a b")).labels[-1] == tokenizer.eos_token_id
    everything = encoder(tokenizer, train_on_inputs=True)
    for sample in (Pair("a", " b"), Chat(TURNS)):
        row = everything.encode(sample)
        assert row.labels == row.input_ids


def test_preferences_share_their_prompt_and_end(tokenizer: Any) -> None:
    sample = Preference(TURNS[:2], (TURNS[2],), ({"role": "assistant", "content": "33"},))
    row = encoder(tokenizer).encode_preference(sample)
    assert tokenizer.decode(row.prompt_ids).endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(row.chosen_ids) == "3<|im_end|>"
    assert tokenizer.decode(row.rejected_ids) == "33<|im_end|>"


def test_the_same_labels_as_trl(
    base: Any, tokenizer: Any, sums: Any, tmp_path: Path, settings: Any
) -> None:
    """TRL's own tokenisation and completion mask are the reference for prompt_completion."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from workbench.bases.share import share
    from workbench.quiet import quiet

    with quiet():
        args = SFTConfig(str(tmp_path), use_cpu=True, bf16=False, report_to="none", max_length=24)
        trainer = SFTTrainer(
            share(base("qwen2")[0]),
            args=args,
            train_dataset=Dataset.from_list(sums),
            processing_class=tokenizer,
        )
    config = settings(Path("x.jsonl"), sequence_len=24)
    samples = [(Where("x", n), Pair(**row)) for n, row in enumerate(sums)]
    rows, _ = encode_all(config, tokenizer, samples, frozenset({tokenizer.eos_token_id}))
    assert [row.input_ids for row in rows] == trainer.train_dataset["input_ids"]
    assert [row.labels for row in rows] == trainer.train_dataset["labels"]


def test_zero_supervised_tokens_are_refused_with_the_cause(tokenizer: Any, settings: Any) -> None:
    stops = frozenset({tokenizer.eos_token_id})
    chats = [(Where("d", n), Chat(TURNS)) for n in range(3)]
    config = settings(Path("x.jsonl"), "chat", sequence_len=8)
    with pytest.raises(UserError, match="raise sequence_len"):
        encode_all(config, tokenizer, chats, stops)
    # Marks around something that is never rendered: the mask is all zeros.
    tokenizer.chat_template = unmarked(tokenizer.chat_template) + (
        "{% if false %}{% generation %}{% endgeneration %}{% endif %}"
    )
    with pytest.raises(UserError, match="leave every assistant message out"):
        encode_all(settings(Path("x.jsonl"), "chat"), tokenizer, chats, stops)


def test_an_end_that_is_never_learnt_is_refused(tokenizer: Any, settings: Any) -> None:
    """Qwen's case: turns end in <|im_end|>, the tokenizer stops at <|endoftext|>."""
    tokenizer.chat_template = unmarked(tokenizer.chat_template).replace("eos_token", "'<|im_end|>'")
    tokenizer.eos_token = "<|endoftext|>"
    chats = [(Where("d", n), Chat(TURNS)) for n in range(3)]
    config = settings(Path("x.jsonl"), "chat")
    with pytest.raises(UserError, match="would never stop") as caught:
        encode_all(config, tokenizer, chats, frozenset({tokenizer.eos_token_id}))
    assert "eos_token:" in str(caught.value)
    mended = settings(Path("x.jsonl"), "chat", eos_token="<|im_end|>")
    special = prepare_tokenizer(mended, tokenizer)
    assert special == {
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "pad_is_eos": False,
    }
    _, record = encode_all(mended, tokenizer, chats, frozenset({tokenizer.eos_token_id}))
    assert record["eos_supervised"] == 3


def test_a_base_without_template_needs_one(tokenizer: Any, settings: Any) -> None:
    tokenizer.chat_template = None
    with pytest.raises(UserError, match="has no chat template"):
        prepare_tokenizer(settings(Path("x.jsonl"), "chat"), tokenizer)
    prepare_tokenizer(settings(Path("x.jsonl"), "chat", chat_template=INST), tokenizer)
    assert tokenizer.chat_template == INST


def test_padding_never_hides_the_end(base: Any, tokenizer: Any, settings: Any) -> None:
    """With pad == eos, a collator that masks by id would unlearn stopping; TRL's masks by place."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    eos = tokenizer.eos_token_id
    rows = [encoder(tokenizer).encode(Pair("a", c)) for c in (" 1", " 123")]
    batch = DataCollatorForLanguageModeling(pad_token_id=eos)(
        [{"input_ids": r.input_ids, "labels": r.labels} for r in rows]
    )
    assert (batch["labels"] == eos).sum() == 2


@pytest.mark.parametrize(
    "text", ["{% for x in range(10**9) %}{% endfor %}", "{{ 1 // 0 }}", "{{ ''.__class__.x }}"]
)
def test_a_template_that_the_sandbox_stops_is_told_of_by_its_row(tokenizer: Any, text: str) -> None:
    tokenizer.chat_template = text
    with pytest.raises(RowError, match="the chat template refuses"):
        encoder(tokenizer).encode(Chat(TURNS))
