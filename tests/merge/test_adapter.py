"""A merged model is the model with its adapters, on disk as in memory; the base stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoModelForCausalLM

from workbench.bases.share import share
from workbench.errors import StepFailed
from workbench.merge.adapter import merge_adapters
from workbench.merge.probe import probe_logits

Folder = Callable[..., Path]
LINEAR = ["q_proj", "down_proj"]


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def with_adapters(model: Any, *configs: LoraConfig, scale: float = 0.2) -> Any:
    """``model`` shared, with adapters ``step0``, ``step1`` ... of random weights, all active."""
    copy = share(model)
    for number, config in enumerate(configs):
        vars(copy).pop("peft_config", None)
        inject_adapter_in_model(config, copy, adapter_name=f"step{number}")
    generator = torch.Generator().manual_seed(0)
    for layer in copy.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.set_adapter([n for n in (f"step{i}" for i in range(9)) if n in _names(layer)])
    for name, parameter in copy.named_parameters():
        if "lora_" in name and "magnitude" not in name:
            parameter.data = scale * torch.randn(parameter.shape, generator=generator)
        elif "magnitude" in name:
            parameter.data *= 1 + 0.3 * torch.rand(parameter.shape, generator=generator)
    return copy.eval()


def _names(layer: Any) -> set[str]:
    return {*layer.lora_A, *layer.lora_embedding_A}


def config(modules: list[str] | None = None, **more: Any) -> LoraConfig:
    return LoraConfig(r=4, lora_alpha=8, target_modules=modules or LINEAR, **more)


CASES = {
    "plain": [config()],
    "rslora": [config(use_rslora=True)],
    "dora": [config(use_dora=True)],
    "two": [config(), config(["q_proj", "v_proj"])],
    "dora over plain": [config(), config(use_dora=True)],
    "plain over dora over dora": [config(use_dora=True), config(use_dora=True), config()],
    "embeddings": [config(["embed_tokens", "q_proj"])],
    "head": [config(["lm_head", "q_proj"])],
    "whole modules": [config(modules_to_save=["lm_head"])],
}


def differing_parameters(model: Any, folder: Path) -> list[str]:
    """Names under which ``folder``, loaded by plain transformers, is not bit-equal to ``model``."""
    ours = model.state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").state_dict()
    return [
        name
        for name in {**ours, **theirs}
        if name not in ours
        or name not in theirs
        or ours[name].dtype != theirs[name].dtype
        or not torch.equal(ours[name], theirs[name])
    ]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("arch", ["qwen2", "llama"])
def test_merged_is_the_model_with_adapters(
    case: str, arch: str, tiny_folder: Folder, tmp_path: Path
) -> None:
    base = load(tiny_folder(arch))
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    model = with_adapters(base, *CASES[case])
    expected = probe_logits(model)
    record = merge_adapters(model)
    assert record["adapter_max_logit_difference"] > 100 * record["max_logit_difference"]
    torch.testing.assert_close(probe_logits(model), expected, atol=1e-4, rtol=1e-4)
    assert not any("lora" in name or "base_layer" in name for name in model.state_dict())
    tied = arch == "qwen2" and case in ("embeddings", "head", "whole modules")
    assert record["untied"] is tied
    for name, tensor in base.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    model.save_pretrained(tmp_path / "out")
    assert differing_parameters(model, tmp_path / "out") == []
    assert torch.equal(probe_logits(load(tmp_path / "out")), probe_logits(model)) or not tied


def test_a_single_linear_by_hand(tiny_folder: Folder) -> None:
    base = load(tiny_folder("llama"))
    model = with_adapters(base, config(["q_proj"]))
    layer = model.model.layers[3].self_attn.q_proj
    a, b = layer.lora_A["step0"].weight, layer.lora_B["step0"].weight
    expected = base.model.layers[3].self_attn.q_proj.weight + 8 / 4 * b @ a
    merge_adapters(model)
    torch.testing.assert_close(model.model.layers[3].self_attn.q_proj.weight, expected)


def test_visits_of_one_layer_keep_their_own_adapters(tiny_folder: Folder) -> None:
    """A layer path by reference: both visits hold one parameter, and an adapter each."""
    from workbench.relayer.reference import apply_path

    base = load(tiny_folder("qwen2"))
    twice = share(base)
    apply_path(twice, (0, 1, 2, 1, 2, 3, 4, 5))
    model = with_adapters(twice, config())
    expected = probe_logits(model)
    merge_adapters(model)
    torch.testing.assert_close(probe_logits(model), expected, atol=1e-4, rtol=1e-4)
    weights = [model.model.layers[i].self_attn.q_proj.weight for i in (1, 3)]
    assert not torch.equal(*weights)


def test_sixteen_bit_says_how_much_is_lost(tiny_folder: Folder) -> None:
    base = load(tiny_folder("llama"), torch.bfloat16)
    record = merge_adapters(with_adapters(base, config(), scale=0.2))
    assert record["dtype"] == "bfloat16"
    assert 0 < record["lost_share"] < 0.2
    assert record["max_logit_difference"] < record["adapter_max_logit_difference"]


def test_a_wrong_merge_is_refused(tiny_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from peft.tuners.lora.layer import Linear

    monkeypatch.setattr(Linear, "merge", lambda *_, **__: None)
    with pytest.raises(StepFailed, match="the merged model is not the one with adapters"):
        merge_adapters(with_adapters(load(tiny_folder("llama")), config(), scale=1.0))


def test_nothing_to_merge_and_quantised(tiny_folder: Folder) -> None:
    model = load(tiny_folder("llama"))
    assert merge_adapters(model)["max_logit_difference"] == 0.0
    model.is_quantized = True
    with pytest.raises(StepFailed, match="quantised"):
        merge_adapters(model)
