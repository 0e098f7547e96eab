"""A merge block is read strictly: whatever mergekit would ignore or fail on late is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workbench.merge.checks import check
from workbench.merge.config import MergeConfig, model_references, needs_seed


def block(**change: Any) -> dict[str, Any]:
    models = [
        {"model": "a", "parameters": {"weight": 0.5, "density": 0.4}},
        {"model": "b", "parameters": {"weight": 0.5}},
    ]
    return {"merge_method": "ties", "models": models, "base_model": "c"} | change


def faults(value: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        MergeConfig(**value)
    return {
        e["loc"]: f"{e['msg']} {e.get('ctx', {}).get('remedy', '')}" for e in caught.value.errors()
    }


def test_all_misspelt_words_at_once_with_their_places() -> None:
    value = block(parameters={"normalise": True, "lambda": "much"})
    value["models"][0]["parameters"]["densty"] = 0.3
    value["models"][1]["parameters"]["int8_mask"] = True
    found = faults(value)
    assert "did you mean density?" in found[("models", 0, "parameters", "densty")]
    assert "did you mean normalize?" in found[("parameters", "normalise")]
    assert "lambda is a number" in found[("parameters", "lambda")]
    assert "once for all models" in found[("models", 1, "parameters", "int8_mask")]
    assert set(faults(block(tokeniser_source="union"))) == {("tokeniser_source",)}
    assert "did you mean ties?" in faults(block(merge_method="tie"))[("merge_method",)]


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"base_model": None}, (), "ties needs a base_model"),
        ({"models": None}, (), "nothing to merge"),
        ({"merge_method": "slerp", "base_model": "a"}, ("models", 0, "parameters", "weight"), ""),
        ({"merge_method": "model_stock", "models": [{"model": "a"}]}, ("models",), "at least 3"),
        (
            {"merge_method": "passthrough", "models": [{"model": "a"}]},
            ("models",),
            "takes 1 of the models",
        ),
        ({"models": [{"model": "a"}]}, ("models", 0), "needs weight for a"),
        ({"models": [{"model": "a+lora", "parameters": {"weight": 1}}]}, None, "adapter"),
        ({"models": [{"model": "a@v2", "parameters": {"weight": 1}}]}, None, "revision"),
        ({"tokenizer_source": "union", "tokenizer": {}}, ("tokenizer_source",), "both given"),
        ({"parameters": {"density": 1.4}}, ("parameters", "density"), "outside 0..1"),
        ({"parameters": {"density": []}}, ("parameters", "density"), "empty"),
        (
            {"parameters": {"density": [{"valu": 1, "filter": "mlp"}]}},
            ("parameters", "density", 0, "valu"),
            "no part",
        ),
        (
            {"models": [{"model": "a", "parameters": {"weight": {"value": 1, "filter": "mlp"}}}]},
            ("models", 0),
            "every|needs weight",
        ),
    ],
)
def test_refused(change: dict[str, Any], where: tuple[Any, ...] | None, words: str) -> None:
    found = faults({k: v for k, v in block(**change).items() if v is not None})
    assert where is None or where in found, found
    assert any(word in text for text in found.values() for word in words.split("|")), found


def test_della_margin_and_duplicate_inputs() -> None:
    value = block(merge_method="della")
    value["models"][0]["parameters"] = {"weight": 1, "density": 0.1}
    value["models"][1]["parameters"] = {"weight": 1, "density": 0.1, "epsilon": 0.05}
    found = faults(value)
    assert set(found) == {("models", 0)} and "epsilon 0.15" in found[("models", 0)]
    twice = [{"model": "a", "layer_range": [0, 2]}, {"model": "a", "layer_range": [2, 4]}]
    assert any(
        "named 2 times" in text
        for text in faults(
            {
                "merge_method": "linear",
                "slices": [{"sources": twice}],
                "parameters": {"weight": 1},
            }
        ).values()
    )


def test_a_published_block_is_taken_verbatim() -> None:
    # The shape of the slerp blocks on the hub: gradients, filters, text numbers.
    config = MergeConfig(
        merge_method="slerp",
        slices=[
            {
                "sources": [
                    {"model": "org/one", "layer_range": [0, 32]},
                    {"model": "org/two", "layer_range": [0, 32]},
                ]
            }
        ],
        base_model="org/one",
        parameters={
            "t": [
                {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]},
                {"filter": "mlp", "value": [1, 0.5, 0.7, 0.3, 0]},
                {"value": "5e-1"},
            ]
        },
        dtype="bfloat16",
        tokenizer={"source": "union", "tokens": {"<x>": {"source": "org/three"}}},
    )
    assert model_references(config) == ["org/one", "org/two", "org/three"]
    assert not needs_seed(config)
    assert needs_seed(MergeConfig(**block(merge_method="dare_ties")))


QWEN = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 64,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "vocab_size": 384,
    "tie_word_embeddings": True,
    "layer_types": ["sliding_attention", "full_attention"] * 3,
}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "a LlamaForCausalLM"),
        ({"hidden_size": 128, "num_hidden_layers": 8}, "hidden_size is 64 in a and 128 in b"),
        ({"num_hidden_layers": 8}, "layers is 6 in a and 8 in b"),
        ({"vocab_size": 400}, "vocabularies differ in size: a 384, b 400"),
        ({"architectures": ["NoSuchForCausalLM"], "model_type": "nosuch"}, "neither mergekit nor"),
    ],
)
def test_models_that_do_not_fit(other: dict[str, Any], words: str) -> None:
    problems = check(MergeConfig(**block()), {"a": QWEN, "b": QWEN | other, "c": QWEN})
    assert any(words in p.fact for p in problems)
    assert problems[0].path == ("models", 1, "model")


def test_slices_out_of_range_uneven_or_of_unlike_layers() -> None:
    def slices(*sources: list[tuple[str, int, int]]) -> list[str]:
        config = MergeConfig(
            merge_method="linear",
            parameters={"weight": 1},
            slices=[
                {"sources": [{"model": m, "layer_range": [i, j]} for m, i, j in part]}
                for part in sources
            ],
        )
        return [p.fact for p in check(config, {"a": QWEN, "b": QWEN})]

    assert slices([("a", 0, 4), ("b", 0, 4)], [("a", 4, 6), ("b", 4, 6)]) == []
    assert "which has 6" in slices([("a", 0, 7)])[0]
    assert "different numbers of layers" in slices([("a", 0, 4), ("b", 0, 2)])[0]
    assert "unlike layers" in slices([("a", 0, 4), ("b", 1, 5)])[0]
    assert "first slice has 1" in slices([("a", 0, 2)], [("a", 2, 4), ("b", 2, 4)])[0]
