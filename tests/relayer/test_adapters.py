"""Paths over models that carry adapters or quantised layers, and adapters over paths."""

from __future__ import annotations

import pytest
import torch
from naive import IDS, logits, stepwise
from peft import LoraConfig, inject_adapter_in_model

from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.bases.tiny.architectures import build
from workbench.errors import StepFailed
from workbench.relayer.reference import apply_path, storage_bytes
from workbench.relayer.write import unshare, write_checkpoint

#: Layers 1 to 3 run twice; position 4 is the second visit to layer 1.
PATH = (0, 1, 2, 3, 1, 2, 3, 4, 5)


def with_adapter(model, name, seed):
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    return inject_adapter_in_model(config, model, adapter_name=name)


def up(model, position):
    return find_stack(model).layers[position].mlp.up_proj


def test_path_over_a_tuned_model_shares_its_adapter():
    base = build("qwen2")
    tuned = with_adapter(share(base), "step0", seed=1)
    # The reference: the adapter folded into plain weights by PEFT, then the same path.
    folded = build("qwen2")
    layers = find_stack(folded).layers
    with torch.no_grad():
        for source, target in zip(find_stack(tuned).layers, layers, strict=True):
            for name, module in source.named_modules():
                if hasattr(module, "get_delta_weight"):
                    target.get_submodule(name).weight += module.get_delta_weight("step0")
    apply_path(folded, PATH)
    before = storage_bytes(tuned)
    apply_path(tuned, PATH)
    assert storage_bytes(tuned) == before
    assert up(tuned, 4) is not up(tuned, 1)
    assert up(tuned, 4).lora_A["step0"].weight is up(tuned, 1).lora_A["step0"].weight
    torch.testing.assert_close(
        logits(tuned, use_cache=False), logits(folded, use_cache=False), rtol=1e-4, atol=1e-5
    )
    assert torch.equal(logits(tuned, use_cache=True), logits(tuned, use_cache=False))


def test_each_visit_gets_an_adapter_of_its_own():
    base = build("qwen2")
    model = with_adapter(share(base), "step0", seed=1)
    apply_path(model, PATH)
    frozen = logits(model, use_cache=False)
    before = storage_bytes(model)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["up_proj"]), model, "step1")
    for module in model.modules():
        if hasattr(module, "lora_A"):
            module.set_adapter(["step0", "step1"])
    assert torch.equal(logits(model, use_cache=False), frozen)  # lora_B starts at zero

    new = [up(model, p).lora_A["step1"].weight for p in range(len(PATH))]
    assert len({w.data_ptr() for w in new}) == len(PATH)
    assert up(model, 4).base_layer.weight is up(model, 1).base_layer.weight
    assert up(model, 4).lora_A["step0"].weight is up(model, 1).lora_A["step0"].weight
    added = sum(p.numel() for n, p in model.named_parameters() if ".step1." in n)
    assert storage_bytes(model) - before == 4 * added

    # Training the second visit's adapter moves it alone.
    up(model, 4).lora_B["step1"].weight.data.fill_(0.1)
    assert not torch.equal(logits(model, use_cache=False), frozen)
    assert not up(model, 1).lora_B["step1"].weight.any()
    model(IDS, labels=IDS).loss.backward()
    assert up(model, 4).lora_A["step1"].weight.grad.any()
    assert not up(model, 1).lora_A["step1"].weight.grad.any()  # its lora_B is still zero

    # With tensors of its own, each visit keeps what it had.
    seen = logits(model, use_cache=False)
    unshare(model)
    assert torch.equal(logits(model, use_cache=False), seen)
    assert up(model, 4).base_layer.weight is not up(model, 1).base_layer.weight


def test_adapters_are_not_written_out(tmp_path):
    with pytest.raises(StepFailed, match="merge the adapters"):
        write_checkpoint(with_adapter(build("qwen2"), "step0", 1), None, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_layers_run_by_reference_only(bits, tiny_folder, tmp_path):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    options = (
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}
        if bits == 4
        else {"load_in_8bit": True}
    )
    folder = tiny_folder("qwen2", num_hidden_layers=3)

    def load():
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            quantization_config=BitsAndBytesConfig(**options),
            device_map={"": "cpu"},
        ).eval()

    base, path = load(), (0, 1, 2, 1, 2)
    model = share(base)
    apply_path(model, path)
    assert storage_bytes(model) == storage_bytes(base)
    # The reference: the base's own quantised layers called one after the other in a plain list.
    plain, fresh = load(), load()
    layers = [*plain.model.layers, *list(fresh.model.layers)[1:]]
    plain.model.layers = torch.nn.ModuleList(layers)
    plain.config.num_hidden_layers = len(path)
    plain.config.layer_types = ["full_attention"] * len(path)
    ids = IDS[:, :8]
    assert torch.equal(
        logits(model, use_cache=False, ids=ids), logits(plain, use_cache=False, ids=ids)
    )
    # int8 scales activations by row, so one token at a time is the whole text at once.
    torch.testing.assert_close(
        stepwise(model, ids), logits(model, use_cache=False, ids=ids), rtol=1e-3, atol=1e-3
    )
    assert torch.equal(
        logits(base, use_cache=False, ids=ids), logits(fresh, use_cache=False, ids=ids)
    )
    with pytest.raises(StepFailed, match="without load_in_4bit"):
        write_checkpoint(model, None, tmp_path / "out")
    assert not list(tmp_path.iterdir())
