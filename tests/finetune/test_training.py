"""Training end to end: repeatable, harmless to the base, loadable by plain PEFT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import StepFailed, UserError
from workbench.finetune.train import public_name, train
from workbench.progress import Silent


def fit(config: Any, model: Any, tokenizer: Any, folder: Path, **kwargs: Any) -> dict[str, Any]:
    given = {"seed": 0, "path": None, "progress": Silent(), **kwargs}
    return train(config, model, tokenizer, out=folder / "out", work=folder / "work", **given)


def logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model.eval()(torch.arange(3, 40)[None]).logits


def weights(folder: Path) -> bytes:
    return (folder / "out" / "adapter_model.safetensors").read_bytes()


@pytest.fixture
def share() -> Any:
    from workbench.bases.share import share

    return share


def test_an_adapter_like_plain_trls_bit_for_bit(
    base: Any, share: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    """The same settings in a script that uses TRL and PEFT alone give the very same tensors."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    from workbench.quiet import quiet

    model, tokenizer = base("qwen2")
    before = logits(model)
    config = settings(write_rows(sums), lora_dropout=0.1)
    record = fit(config, share(model), tokenizer, tmp_path, base_name="lab/base")

    plain = AutoModelForCausalLM.from_pretrained(model.config._name_or_path)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    with quiet():
        trainer = SFTTrainer(
            plain,
            args=SFTConfig(
                str(tmp_path / "plain"),
                per_device_train_batch_size=4,
                learning_rate=5e-3,
                lr_scheduler_type="cosine",
                warmup_steps=0.03,
                max_steps=4,
                seed=0,
                data_seed=0,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=Dataset.from_list(sums),
            processing_class=tokenizer,
            peft_config=LoraConfig(
                r=4, lora_alpha=8, lora_dropout=0.1, target_modules=names, task_type="CAUSAL_LM"
            ),
        )
        trainer.train()
        trainer.save_model(str(tmp_path / "plain"))
    ours = load_file(tmp_path / "out" / "adapter_model.safetensors")
    theirs = load_file(tmp_path / "plain" / "adapter_model.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)

    # The base is as it was, and plain PEFT loads the adapter to the logits of the trained model.
    assert torch.equal(logits(model), before)
    assert not torch.equal(logits(trainer.model), before)
    fresh = AutoModelForCausalLM.from_pretrained(model.config._name_or_path)
    assert torch.equal(
        logits(PeftModel.from_pretrained(fresh, tmp_path / "out")), logits(trainer.model)
    )
    saved = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert saved["base_model_name_or_path"] == "lab/base"
    assert (tmp_path / "out" / "chat_template.jinja").is_file()

    assert record["steps"] == 4
    assert [point["step"] for point in record["curve"]] == [2, 4]
    assert record["curve"][1]["loss"] < record["curve"][0]["loss"]
    assert record["eos_supervised"] == len(sums)
    assert record["trainable_parameters"] == sum(t.numel() for t in ours.values())


@pytest.mark.parametrize("method", ["dpo", "orpo"])
def test_preference_methods_on_top_of_an_adapter(
    method: str,
    base: Any,
    share: Any,
    sums: Any,
    preferences: Any,
    write_rows: Any,
    settings: Any,
    tmp_path: Path,
) -> None:
    """The second adapter trains on the sum of base and first, which stays as it was."""
    import torch

    from workbench.finetune.attach import attach

    model, tokenizer = base("llama")
    before = logits(model)
    fit(settings(write_rows(sums)), share(model), tokenizer, tmp_path / "first")
    parent = share(model)
    attach(parent, tmp_path / "first" / "out", "step0")
    after_first = logits(parent)
    assert not torch.equal(after_first, before)

    config = settings(write_rows(preferences), "preference", rl=method, logging_steps=1)
    child = share(parent)
    record = fit(config, child, tokenizer, tmp_path / "second")
    assert torch.equal(logits(parent), after_first)
    assert torch.equal(logits(model), before)
    stacked = share(parent)
    attach(stacked, tmp_path / "second" / "out", "step1")
    assert torch.equal(logits(stacked), logits(child))
    assert not torch.equal(logits(stacked), after_first)
    assert not any(p.requires_grad for p in stacked.parameters())

    losses = [point["loss"] for point in record["curve"]]
    assert losses[-1] < losses[0]
    if method == "dpo":
        # log 2: before the first step child and reference are one model, first adapter included.
        assert losses[0] == pytest.approx(0.693147, abs=1e-5)


def test_every_visit_of_a_layer_path_gets_its_own_adapter(
    base: Any, share: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    import torch
    from safetensors import safe_open

    from workbench.finetune.attach import attach
    from workbench.relayer.reference import apply_path

    model, tokenizer = base("qwen3")
    path = (0, 1, 2, 3, 2, 3, 4, 5)

    def doubled() -> Any:
        made = share(model)
        apply_path(made, path)
        return made

    before = logits(model)
    data = write_rows(sums)
    child = doubled()
    fit(settings(data), child, tokenizer, tmp_path / "all", path=path)
    attached = doubled()
    attach(attached, tmp_path / "all" / "out", "step1")
    assert torch.equal(logits(attached), logits(child))
    first, second = (attached.model.layers[p].self_attn.q_proj for p in (2, 4))
    assert first.base_layer.weight is second.base_layer.weight
    assert not torch.equal(first.lora_B["step1"].weight, second.lora_B["step1"].weight)

    fit(settings(data, train_layers="seam"), doubled(), tokenizer, tmp_path / "seam", path=path)
    file = tmp_path / "seam" / "out" / "adapter_model.safetensors"
    with safe_open(file, "pt") as saved:
        layers = {int(key.split(".layers.")[1].split(".")[0]) for key in saved.keys()}  # noqa: SIM118
    assert layers == {3, 4}
    assert torch.equal(logits(model), before)


def test_settings_that_do_not_fit_the_model(
    base: Any, share: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    model, tokenizer = base("qwen2")
    data = write_rows(sums)
    for fields, said in (
        ({"lora_target_modules": ["q_prj"]}, "it has q_proj"),
        ({"train_layers": [2, 6]}, "positions count from 0 to 5"),
        ({"train_layers": "seam"}, "has no seam"),
        ({"eos_token": "<|nope|>"}, "is no token"),
    ):
        with pytest.raises(UserError, match=said):
            fit(settings(data, **fields), share(model), tokenizer, tmp_path)
    assert not (tmp_path / "out").exists()


def test_packed_examples_do_not_see_each_other(
    base: Any, share: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    from workbench.finetune.packing import packed_leak

    model, tokenizer = base("gemma3")
    assert packed_leak(model) == 0.0
    # The measure itself sees a leak: without restarted positions the second example reads on.
    inner = share(model)
    forward = inner.forward
    inner.forward = lambda position_ids, **kwargs: forward(**kwargs)
    assert packed_leak(inner) > 0.0

    config = settings(write_rows(sums), sample_packing=True, sequence_len=64)
    record = fit(config, share(model), tokenizer, tmp_path)
    assert "packed" in record["masking"]


def test_an_adapter_of_a_bfloat16_base_keeps_its_precision(
    tiny_folder: Any, share: Any, sums: Any, write_rows: Any, settings: Any, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    from workbench.bases.config import BaseConfig
    from workbench.bases.load import load_model, load_tokenizer
    from workbench.finetune.attach import attach

    given = BaseConfig(base_model=str(tiny_folder("llama", num_hidden_layers=1)), dtype="bfloat16")
    model = load_model(given)
    before = logits(model)
    child = share(model)
    config = settings(write_rows(sums[:8]), max_steps=2, lora_target_modules=["q_proj"])
    fit(config, child, load_tokenizer(given), tmp_path)
    saved = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}
    attached = share(model)
    attach(attached, tmp_path / "out", "step0")
    assert torch.equal(logits(attached), logits(child))
    assert torch.equal(logits(model), before)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 8])
def test_a_quantised_base_is_left_bit_identical(
    bits: int,
    tiny_folder: Any,
    share: Any,
    sums: Any,
    write_rows: Any,
    settings: Any,
    tmp_path: Path,
) -> None:
    import torch

    from workbench.bases.config import BaseConfig
    from workbench.bases.load import load_model, load_tokenizer
    from workbench.finetune.attach import attach

    given = BaseConfig(
        base_model=str(tiny_folder("qwen2", num_hidden_layers=2)),
        load_in_4bit=bits == 4,
        load_in_8bit=bits == 8,
    )
    model = load_model(given)
    before, state = logits(model), {k: v.clone() for k, v in model.state_dict().items()}
    child = share(model)
    config = settings(write_rows(sums[:8]), max_steps=3, logging_steps=1, micro_batch_size=8)
    record = fit(config, child, load_tokenizer(given), tmp_path)
    assert record["curve"][-1]["loss"] < record["curve"][0]["loss"]
    assert torch.equal(logits(model), before)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    trained = [p for p in child.parameters() if p.requires_grad]
    assert {p.dtype for p in trained} == {torch.float32}
    attached = share(model)
    attach(attached, tmp_path / "out", "step0")
    assert torch.equal(logits(attached), logits(child))


@pytest.mark.parametrize(
    "raised",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_said_plainly(raised: Exception, settings: Any, tmp_path: Path) -> None:
    """The three errors are what Python, torch.save and safetensors raise on a full tmpfs."""
    from workbench.finetune.failures import said_plainly

    with (
        pytest.raises(StepFailed, match="goes on from its last checkpoint"),
        said_plainly(settings(Path("x.jsonl")), tmp_path),
    ):
        raise raised


def test_a_hub_data_set_that_cannot_be_had(settings: Any) -> None:
    from workbench.finetune.supervision import all_samples

    with pytest.raises(UserError, match=r"cannot load the data set 'no-such-org/set'"):
        all_samples(settings(Path("no-such-org/set"), "text"))


def test_an_adapter_names_its_base_as_others_can_use_it() -> None:
    cached = "/home/me/.cache/huggingface/hub/models--Qwen--Qwen2-7B/snapshots/abc"
    assert public_name(cached) == "Qwen/Qwen2-7B"
    assert public_name("Qwen/Qwen2-7B") == "Qwen/Qwen2-7B"
    assert public_name("/tmp/scratch/my-base") == "my-base"
    assert public_name("") == ""
