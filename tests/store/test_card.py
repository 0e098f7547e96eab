"""Model cards: licences carried on, and nothing a recipe says becomes markup."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from workbench.bases.catalogue import lookup
from workbench.store.card import CardFacts, fenced, model_card, plain


def card(**changes: Any) -> str:
    facts: dict[str, Any] = {
        "name": "tuned",
        "kind": "finetune",
        "seed": 0,
        "key": "0123456789ab",
        "roots": ["Qwen/Qwen2.5-3B"],
        "parents": ["base"],
        "config": {"lora_r": 8},
        "record": {"supervised_tokens": 10},
        "versions": {"peft": "0.21.2"},
    }
    return model_card(CardFacts(**(facts | changes)))


def split(text: str) -> tuple[dict[str, Any], str]:
    """Front matter as a YAML parser sees it, and the Markdown after it."""
    opening, front, body = text.split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(front), body


def flat(markdown: str) -> list[Token]:
    """All tokens of GitHub-like Markdown with raw HTML allowed, inline ones included."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    return [t for token in tokens for t in (token, *(token.children or []))]


def links(markdown: str) -> set[str]:
    return {str(t.attrs["href"]) for t in flat(markdown) if t.type == "link_open"}


def test_a_non_commercial_base_is_carried_on() -> None:
    front, body = split(card())
    assert front["license"] == "other"
    assert front["license_name"] == "qwen-research"
    assert front["license_link"] == "https://huggingface.co/Qwen/Qwen2.5-3B/blob/main/LICENSE"
    assert front["base_model"] == ["Qwen/Qwen2.5-3B"]
    assert front["library_name"] == "peft"
    words = "".join(t.content for t in flat(body) if t.type == "text")
    assert "Non-commercial use only" in words
    assert "Built with Qwen" in words


def test_every_base_of_a_merge_is_told_with_all_its_clauses() -> None:
    roots = ["Qwen/Qwen2-72B", "meta-llama/Meta-Llama-3.1-8B"]
    front, body = split(card(kind="merge", roots=roots, config={"merge_method": "ties"}))
    assert front["license"] == "other"
    words = "".join(t.content for t in flat(body) if t.type == "text")
    for root in roots:
        entry = lookup(root)
        assert entry is not None
        for clause in entry.licence.clauses:
            assert clause.text in words
    assert "hold together" in words


def test_an_unknown_base_claims_no_licence() -> None:
    front, body = split(card(roots=["someone/model"]))
    assert "license" not in front
    assert "not known here" in body


def test_a_tiny_base_is_ours() -> None:
    front, _ = split(card(roots=["tiny/sums"]))
    assert front["license"] == "mit"
    assert "base_model" not in front


def test_loading_an_adapter_on_its_base_and_on_more() -> None:
    assert "PeftModel.from_pretrained" in card(on_base=True)
    assert "workbench export tuned" in card(on_base=False)
    assert "AutoModelForCausalLM.from_pretrained(folder)" in card(kind="merge")


NASTY = [
    "<script>alert(1)</script>",
    "x\n---\nlicense: mit\n---\n# owned",
    "](javascript:alert(1)) ![x](https://evil.example/p.png)",
    "```\n</code></pre><img src=x onerror=alert(1)>\n```",
    "| a | b |\n|---|---|",
    "{{ 7 * 7 }} {% include '/etc/passwd' %}",
    "a&#60;b&lt;script&gt;",
    "<!-- \u2028 -->\x00\x1b[2J",
]


def assert_inert(text: str, reference: str) -> None:
    front, body = split(text)
    _, expected = split(reference)
    assert set(front) == set(split(reference)[0])
    assert front.get("license") == "other"
    tokens = flat(body)
    assert not [t for t in tokens if t.type in ("html_block", "html_inline", "image")]
    assert links(body) == links(expected)
    assert [t.type for t in tokens if t.type == "heading_open"] == [
        t.type for t in flat(expected) if t.type == "heading_open"
    ]


def test_nothing_a_recipe_says_becomes_markup() -> None:
    for nasty in NASTY:
        text = card(
            name=nasty,
            parents=[nasty],
            config={"rl": nasty, "chat_template": nasty, nasty: [nasty]},
            record={"note": nasty},
            versions={nasty: nasty},
        )
        assert_inert(text, card(config={"rl": "x"}))


def test_scores_cannot_break_their_table() -> None:
    for nasty in NASTY:
        score = {"metric": nasty, "value": 0.5, "ci95": [0.4, 0.6], "n": 10}
        body = split(card(scores={nasty: score}))[1]
        rows = [t for t in flat(body) if t.type == "tr_open"]
        assert len(rows) == 2
        assert not [t for t in flat(body) if t.type.startswith("html")]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_plain_text_renders_as_itself(text: str) -> None:
    [paragraph] = [t for t in flat(f"x{plain(text)}x") if t.type == "inline"]
    assert {t.type for t in paragraph.children or []} <= {"text", "text_special"}


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text("`~\n<>a", max_size=30), max_size=4))
def test_a_block_of_json_is_one_block_and_still_json(value: dict[str, str]) -> None:
    import json

    [block] = flat(fenced(value))
    assert block.type == "fence"
    assert json.loads(block.content) == value
