"""A shared copy costs no weights and cannot change what it was made from."""

from __future__ import annotations

import tracemalloc

import pytest
import torch

from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.bases.tiny.architectures import ARCHITECTURES, build

IDS = torch.tensor([[5, 9, 30, 31, 7, 120]])


def logits(model):
    with torch.no_grad():
        return model(IDS, use_cache=False).logits


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_same_tensors_new_modules(arch):
    base = build(arch)
    twin = share(base)
    assert twin.config is not base.config
    assert not set(map(id, base.modules())) & set(map(id, twin.modules()))
    for kind in ("named_parameters", "named_buffers"):
        ours = dict(getattr(base, kind)(remove_duplicate=False))
        theirs = dict(getattr(twin, kind)(remove_duplicate=False))
        assert ours.keys() == theirs.keys()
        assert all(ours[name] is theirs[name] for name in ours)
    tied = base.config.tie_word_embeddings
    assert (twin.lm_head.weight is twin.get_input_embeddings().weight) == tied
    assert torch.equal(logits(twin), logits(base))


@pytest.mark.parametrize("arch", ["qwen2", "gemma3", "phi3"])
def test_base_stays_pristine(arch):
    from peft import LoraConfig, inject_adapter_in_model

    base = build(arch)
    before, names = logits(base), [name for name, _ in base.named_modules()]
    twin = share(base)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    inject_adapter_in_model(config, twin, adapter_name="step0")
    stack = find_stack(twin)
    del stack.layers[3]
    stack.config.num_hidden_layers -= 1
    assert not torch.equal(logits(twin), before)
    assert [name for name, _ in base.named_modules()] == names
    assert len(find_stack(base).layers) == base.config.num_hidden_layers == 6
    assert torch.equal(logits(base), before)


def test_copy_takes_a_fraction_of_the_base():
    """Structure only: what a copy allocates does not grow with the width of the model."""

    def copied_bytes(**size):
        base = build("qwen2", **size)
        tracemalloc.start()
        twin = share(base)
        python = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        own = {p.untyped_storage().data_ptr() for p in base.parameters()}
        assert {p.untyped_storage().data_ptr() for p in twin.parameters()} == own
        return python

    small, wide = copied_bytes(hidden_size=32), copied_bytes(hidden_size=512)
    assert wide < 1.2 * small
    assert wide < 2_000_000


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_states_are_shared(bits, tiny_folder):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    options = (
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}
        if bits == 4
        else {"load_in_8bit": True}
    )
    base = AutoModelForCausalLM.from_pretrained(
        tiny_folder("qwen2", num_hidden_layers=2),
        dtype=torch.float32,
        quantization_config=BitsAndBytesConfig(**options),
        device_map={"": "cpu"},
    )
    for module in base.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    # The copy runs first: it must not take the base's scales with it.
    twin = share(base)
    first = logits(twin)
    assert torch.equal(logits(base), first)
    assert torch.equal(logits(share(base)), first)
    ours, theirs = base.model.layers[0].mlp.up_proj, twin.model.layers[0].mlp.up_proj
    assert ours is not theirs and ours.weight is theirs.weight
    held = "quant_state" if bits == 4 else "state"
    holder = (ours.weight, theirs.weight) if bits == 4 else (ours, theirs)
    assert getattr(holder[0], held) is getattr(holder[1], held)
