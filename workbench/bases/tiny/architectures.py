"""Real architectures in small: the configuration classes of transformers, a megabyte of weights.

They differ where real families differ: tied and untied embeddings, biases (Qwen2), normalised
queries and keys (Qwen3, Gemma 3), fused projections (Phi-3), sliding windows and per-layer lists.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.tiny.tokenizer import BOS_ID, EOS_ID, PAD_ID, VOCAB_SIZE, build_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

ARCHITECTURES = ("qwen2", "qwen3", "llama", "mistral", "gemma3", "phi3")

#: The size that is built unless a caller says otherwise; the keys are transformers' own names.
#: Widths are multiples of 64, the block over which bitsandbytes' 4-bit kernels keep one scale.
SIZE: dict[str, Any] = {
    "num_hidden_layers": 6,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCAB_SIZE,
    "max_position_embeddings": 512,
}


def make_config(arch: str, **size: Any) -> PreTrainedConfig:
    """The configuration of ``arch``; ``size`` overrides :data:`SIZE` or any other field.

    Pad, bos and eos are always set: transformers' defaults are ids of 30,000-word vocabularies,
    or, worse, valid small ones that cut every text short. Raises ``KeyError`` for an unknown name.
    """
    import transformers as tf

    fields = {**SIZE, **size}
    head = fields["hidden_size"] // fields["num_attention_heads"]
    special = {"pad_token_id": PAD_ID, "bos_token_id": BOS_ID, "eos_token_id": EOS_ID}
    own: dict[str, tuple[Callable[..., PreTrainedConfig], dict[str, Any]]] = {
        "qwen2": (tf.Qwen2Config, {"tie_word_embeddings": True}),
        "qwen3": (tf.Qwen3Config, {"tie_word_embeddings": True, "head_dim": head}),
        "llama": (tf.LlamaConfig, {"tie_word_embeddings": False}),
        "mistral": (tf.MistralConfig, {"tie_word_embeddings": False, "sliding_window": 64}),
        "gemma3": (
            tf.Gemma3TextConfig,
            {
                "tie_word_embeddings": True,
                "head_dim": head,
                "query_pre_attn_scalar": head,
                "sliding_window": 64,
            },
        ),
        "phi3": (tf.Phi3Config, {"tie_word_embeddings": False, "sliding_window": None}),
    }
    make, defaults = own[arch]
    return make(**{**special, **defaults, **fields})


def build(arch: str, seed: int = 0, **size: Any) -> PreTrainedModel:
    """An untrained float32 model of ``arch``, its weights drawn from ``seed``, in eval mode.

    The caller's random state is left as it was.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = make_config(arch, **size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.generation_config.pad_token_id = PAD_ID
    model.generation_config.bos_token_id = BOS_ID
    model.generation_config.eos_token_id = EOS_ID
    return model.eval()


def write(arch: str, folder: Path, seed: int = 0, **size: Any) -> Path:
    """Write :func:`build`'s model with tokenizer and chat template; ``folder`` loads anywhere."""
    model = build(arch, seed, **size)
    model.save_pretrained(folder)
    build_tokenizer(model.config.max_position_embeddings).save_pretrained(folder)
    return folder
