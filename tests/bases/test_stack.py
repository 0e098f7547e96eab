"""The decoder stack is found by structure in every architecture tried, and described in full."""

from __future__ import annotations

import pytest
import torch
import transformers as tf
from hypothesis import given
from hypothesis import strategies as st

from workbench.bases.stack import find_stack, layer_count, path_config, per_layer_lists
from workbench.bases.tiny.architectures import ARCHITECTURES, build, make_config
from workbench.errors import StepFailed

N = 5
SMALL = {
    "num_hidden_layers": N,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "vocab_size": 50,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def others() -> dict[str, tf.PreTrainedConfig]:
    return {
        "gpt2": tf.GPT2Config(n_layer=N, n_embd=32, n_head=4, vocab_size=50),
        "gpt_neox": tf.GPTNeoXConfig(**SMALL),
        "olmo2": tf.Olmo2Config(**SMALL),
        "opt": tf.OPTConfig(
            num_hidden_layers=N,
            hidden_size=32,
            word_embed_proj_dim=32,
            ffn_dim=64,
            num_attention_heads=4,
            vocab_size=50,
        ),
        "falcon": tf.FalconConfig(**SMALL),
        # As many experts as layers: a list of the right length inside every layer.
        "mixtral": tf.MixtralConfig(**SMALL, num_local_experts=N, num_key_value_heads=2),
        # A vision tower as deep as the decoder, and the text configuration nested.
        "gemma3": tf.Gemma3Config(
            text_config={**SMALL, "head_dim": 8, "num_key_value_heads": 2},
            vision_config={
                "num_hidden_layers": N,
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_attention_heads": 4,
                "image_size": 28,
                "patch_size": 14,
            },
        ),
        # State-space and attention layers in one stack.
        "jamba": tf.JambaConfig(
            **SMALL,
            num_key_value_heads=2,
            attn_layer_period=2,
            attn_layer_offset=1,
            num_experts=2,
            use_mamba_kernels=False,
            mamba_d_state=4,
            mamba_dt_rank=4,
        ),
    }


@pytest.mark.parametrize("name", [*ARCHITECTURES, *others()])
def test_every_layer_of_the_stack_runs_once_and_in_order(name):
    """The reference is the forward pass itself: hooks say which modules run, and when."""
    if name in ARCHITECTURES:
        model = build(name, num_hidden_layers=N)
    else:
        config = others()[name]
        auto = tf.AutoModelForImageTextToText if name == "gemma3" else tf.AutoModelForCausalLM
        model = auto.from_config(config).eval()
    stack = find_stack(model)
    assert getattr(stack.owner, stack.name) is stack.layers
    assert len(stack.layers) == N == stack.config.num_hidden_layers
    ran: list[int] = []
    for index, layer in enumerate(stack.layers):
        layer.register_forward_hook(lambda *_, index=index: ran.append(index))
    with torch.no_grad():
        model(input_ids=torch.tensor([[3, 4, 5]]))
    assert ran == list(range(N))
    lists = {"qwen2", "qwen3", "gemma3"}
    assert ("layer_types" in per_layer_lists(stack.config, N)) == (name in lists) or name == "jamba"


def test_lists_are_told_from_lookalikes():
    config = {
        "num_hidden_layers": 3,
        "layer_types": ["a", "b", "a"],
        "no_rope_layers": [1, 1, 0],
        "mlp_layer_types": ("dense", "sparse", "sparse"),
        "num_key_value_heads": [2, 4, 2],
        "hybrid_override_pattern": "M*M",
        "model_type": "abc",
        "eos_token_id": [1, 2, 3],
        "architectures": ["A", "B", "C"],
        "mlp_only_layers": [0, 1, 2],
    }
    assert per_layer_lists(config, 3) == [
        "layer_types",
        "no_rope_layers",
        "mlp_layer_types",
        "num_key_value_heads",
        "hybrid_override_pattern",
    ]
    assert layer_count({"text_config": config}) == 3


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_path_config_says_of_every_visit_what_the_base_said_of_its_layer(path):
    kinds = list("abcdef")
    config = {
        "n_layer": 6,
        "layer_types": kinds,
        "mlp_only_layers": [1, 4],
        "layer_pattern": "MMAAMM",
    }
    changed = path_config(config, path)
    assert changed["n_layer"] == len(path)
    assert changed["layer_types"] == [kinds[p] for p in path]
    assert changed["layer_pattern"] == "".join("MMAAMM"[p] for p in path)
    dense = [at in changed["mlp_only_layers"] for at in range(len(path))]
    assert dense == [p in (1, 4) for p in path]


def test_a_split_is_moved_or_refused():
    config = {"num_hidden_layers": 6, "first_k_dense_replace": 2}
    assert path_config(config, [0, 1, 0, 1, 2, 3])["first_k_dense_replace"] == 4
    assert path_config(config, [0, 1, 2, 3, 2, 3])["first_k_dense_replace"] == 2
    with pytest.raises(StepFailed, match="first_k_dense_replace"):
        path_config(config, [0, 1, 2, 1, 2])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_path_config_makes_a_valid_configuration(arch):
    config = make_config(arch).to_dict()
    path = [0, 1, 2, 3, 2, 3, 4, 5]
    longer = type(make_config(arch))(**{**config, **path_config(config, path)})
    assert longer.num_hidden_layers == len(path)
    before = config.get("layer_types")
    if before:
        assert longer.layer_types == [before[p] for p in path]
