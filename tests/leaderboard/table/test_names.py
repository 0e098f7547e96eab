"""Mirrors and aliases are one model; what only looks like one is not."""

from __future__ import annotations

import pytest

from workbench.leaderboard.table.guess import guessed_root
from workbench.leaderboard.table.names import Name, catalogued, mirrors, published_parents, resolve


@pytest.mark.parametrize(
    ("name", "hub_id", "mirror"),
    [
        ("meta-llama/Meta-Llama-3.1-8B", "meta-llama/Llama-3.1-8B", False),
        ("META-LLAMA/llama-3.1-8b", "meta-llama/Llama-3.1-8B", False),
        ("unsloth/Meta-Llama-3.1-8B", "meta-llama/Llama-3.1-8B", True),
        ("unsloth/llama-3-8b-Instruct-bnb-4bit", "meta-llama/Meta-Llama-3-8B-Instruct", True),
        ("unsloth/gemma-2-9b-it-bnb-4bit", "google/gemma-2-9b-it", True),
        ("unsloth/Qwen2.5-7B-unsloth-bnb-4bit", "Qwen/Qwen2.5-7B", True),
        ("NousResearch/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B", True),
        ("NousResearch/Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf", True),
        ("alpindale/Mistral-7B-v0.2-hf", "mistral-community/Mistral-7B-v0.2", True),
        ("mlx-community/Qwen2-72B-Instruct-4bit", "Qwen/Qwen2-72B-Instruct", True),
        ("Qwen/Qwen2-72B-Instruct-AWQ", "Qwen/Qwen2-72B-Instruct", True),
        ("TheBloke/Mistral-7B-v0.1-GPTQ", "mistralai/Mistral-7B-v0.1", True),
        ("gpt2", "openai-community/gpt2", True),
        ("unsloth/zephyr-sft-bnb-4bit", "HuggingFaceH4/mistral-7b-sft-beta", True),
        # Their own models, and a stranger's of a famous name.
        ("NousResearch/Hermes-3-Llama-3.1-8B", "NousResearch/Hermes-3-Llama-3.1-8B", False),
        ("stranger/Qwen2-7B", "stranger/Qwen2-7B", False),
        ("stranger/Qwen2-7B-AWQ", "stranger/Qwen2-7B-AWQ", False),
        ("dnhkng/RYS-XLarge", "dnhkng/RYS-XLarge", False),
    ],
)
def test_one_name_for_one_model(name: str, hub_id: str, mirror: bool) -> None:
    assert resolve(name) == Name(hub_id, mirror)


def test_resolving_twice_changes_nothing() -> None:
    for name in [*catalogued(), *mirrors().names, *published_parents()]:
        once = resolve(name)
        assert resolve(once.hub_id).hub_id == once.hub_id


def test_every_mirror_and_published_parent_ends_at_a_catalogued_model() -> None:
    published = published_parents()
    for start in [*mirrors().names, *published]:
        seen = [resolve(start).hub_id]
        while seen[-1].lower() not in catalogued() and seen[-1] in published:
            seen.append(published[seen[-1]][0])
            assert len(seen) < 10
        # The table itself says where calme-2.1-qwen2-72b and the models on it are from.
        assert seen[-1].lower() in catalogued() or "MaziyarPanahi/calme" in seen[-1], seen


@pytest.mark.parametrize(
    ("name", "architecture", "size", "root"),
    [
        ("x/Llama-3.1-8B-Fun", "LlamaForCausalLM", 8.03, "meta-llama/Llama-3.1-8B"),
        ("x/L3.1-8B-Fun", "LlamaForCausalLM", 8.0, "meta-llama/Llama-3.1-8B"),
        ("x/Meta-Llama-3-8B-Fun", "LlamaForCausalLM", 8.0, "meta-llama/Meta-Llama-3-8B"),
        ("x/llama3-70b-fun", None, 70.55, "meta-llama/Meta-Llama-3-70B"),
        ("x/qwen2.5-14b-fun", "Qwen2ForCausalLM", 14.0, "Qwen/Qwen2.5-14B"),
        ("x/Qwen2-fun-7b", "Qwen2ForCausalLM", 7.6, "Qwen/Qwen2-7B"),
        ("x/gemma-2b-fun", "GemmaForCausalLM", 2.5, "google/gemma-2b"),
        ("x/gemma-2-2b-fun", "Gemma2ForCausalLM", 2.6, "google/gemma-2-2b"),
        ("x/MN-Nemo-12B", "MistralForCausalLM", 12.2, "mistralai/Mistral-Nemo-Base-2407"),
        # Other architecture, other size, two families, a version that no name tells.
        ("x/Llama-3.1-8B-Fun", "MixtralForCausalLM", 8.0, None),
        ("x/Llama-3.1-8B-Fun", "LlamaForCausalLM", 13.0, None),
        ("x/Llama-3-and-3.1-to-Qwen2", "LlamaForCausalLM", 8.0, None),
        ("x/Mistral-7B-Fun", "MistralForCausalLM", 7.2, None),
        ("x/Fun", "LlamaForCausalLM", 8.0, None),
        ("x/Llama-3.1-8B-Fun", "LlamaForCausalLM", float("nan"), None),
    ],
)
def test_guesses(name: str, architecture: str | None, size: float, root: str | None) -> None:
    assert guessed_root(name, architecture, size) == root
