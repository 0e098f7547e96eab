"""The planted bases' network, and what two of the causes do to it.

A Llama: transformers loads its tokenizer as it was written, where beside a Qwen2 configuration it
would put Qwen2's own splitting of digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.bases.tiny.causes.tokenizer import (
    BOS_ID,
    EOS_ID,
    MERGED_VOCAB_SIZE,
    PAD_ID,
    TURN_END_ID,
    VOCAB_SIZE,
)

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

SIZE: dict[str, Any] = {
    "num_hidden_layers": 5,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
#: The layers of a ``dead_layers`` base that add nothing to the residual stream.
DEAD = (2, 3)
#: By how much the gains of a ``badly_scaled`` base's norms are too large, a power of four: its
#: root is then a power of two as well, and no bit of a weight is lost.
SCALE = 64.0


def build(seed: int, merge_digits: bool = False) -> LlamaForCausalLM:
    """An untrained model, its weights drawn from ``seed``; the caller's random state stays."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=MERGED_VOCAB_SIZE if merge_digits else VOCAB_SIZE,
        tie_word_embeddings=True,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        **SIZE,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.generation_config.pad_token_id = PAD_ID
    model.generation_config.bos_token_id = BOS_ID
    model.generation_config.eos_token_id = [EOS_ID, TURN_END_ID]
    return model


def silence(model: LlamaForCausalLM) -> None:
    """Set to zero what the layers :data:`DEAD` add to the residual stream."""
    for number in DEAD:
        layer = model.model.layers[number]
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()


def rescale(model: LlamaForCausalLM, scale: float = SCALE) -> None:
    """Other weights for the same function, in which a LoRA's step goes too far.

    The norms before attention and MLP give ``scale`` times what they gave. Queries, keys and gates
    undo it, so an adapter on them acts ``scale`` times as strongly; values and the MLP's upper
    projection keep its root and the projections after them undo that, so that an adapter on any of
    the four acts more strongly by the root.
    """
    root = scale**0.5
    for layer in model.model.layers:
        attention, mlp = layer.self_attn, layer.mlp
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.weight.data *= scale
        for first in (attention.q_proj, attention.k_proj, mlp.gate_proj):
            first.weight.data /= scale
        for middle in (attention.v_proj, mlp.up_proj):
            middle.weight.data /= scale / root
        for last in (attention.o_proj, mlp.down_proj):
            last.weight.data /= root
