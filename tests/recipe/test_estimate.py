"""Sizes against the real models: torch's own parameter counts, PEFT's own adapters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml

from workbench.bases.config import BaseConfig
from workbench.finetune.config import FinetuneConfig
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import estimate
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.machine import Machine, disk_free, this_machine
from workbench.recipe.needs import PROCESS_BYTES
from workbench.recipe.room import disk_problems, memory_warnings
from workbench.recipe.sizes import (
    base_size,
    dimensions,
    human_bytes,
    human_count,
    loaded_bytes,
    lora_parameters,
)
from workbench.recipe.train_cost import OPTIMIZER_BYTES

ARCHITECTURES = ("qwen2", "qwen3", "llama", "mistral", "gemma3", "phi3")
CPU = Machine(8 << 30, 16 << 30, 2, None, 0, 0)


def config_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_parameters_are_those_of_the_model(tiny_folder: Callable[..., Path], arch: str) -> None:
    from transformers import AutoModelForCausalLM

    folder = tiny_folder(arch)
    model = AutoModelForCausalLM.from_pretrained(folder)
    truth = sum(p.numel() for p in model.parameters())
    size = base_size(BaseConfig(base_model=str(folder)), config_of(folder))
    assert size is not None
    assert (size.parameters, size.stored_bytes, size.here) == (truth, 4, True)
    dims = dimensions(config_of(folder))
    assert dims is not None
    by_arithmetic = dims.linear_parameters + dims.embedding_parameters
    assert by_arithmetic == pytest.approx(truth, rel=0.02)  # norms and biases are not counted


@pytest.mark.parametrize(
    ("arch", "targets"),
    [
        ("llama", "all-linear"),
        ("qwen2", ["q_proj", "v_proj"]),
        ("qwen3", "all-linear"),
        ("gemma3", "all-linear"),
        ("phi3", "all-linear"),
        ("phi3", ["gate_up_proj"]),
    ],
)
def test_lora_parameters_are_pefts(
    tiny_folder: Callable[..., Path], arch: str, targets: str | list[str]
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_folder(arch))
    dims = dimensions(model.config.to_dict())
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM"))
    truth, _ = adapted.get_nb_trainable_parameters()
    assert dims is not None and dims.linears_are_known
    assert lora_parameters(dims, 4, targets, dims.layers, dora=False) == truth


def test_sizes_of_real_models_from_their_configs() -> None:
    # Qwen2.5-7B's config.json; its card says 7.61 B parameters, 6.53 B without embeddings.
    config = {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "num_hidden_layers": 28,
        "vocab_size": 152064,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    dims = dimensions(config)
    assert dims is not None
    assert dims.linear_parameters == pytest.approx(6.53e9, rel=0.01)
    base = BaseConfig(base_model="someone/seven-b")
    size = base_size(base, config)
    assert size is not None and size.parameters == pytest.approx(7.61e9, rel=0.01)
    assert loaded_bytes(size, base, dims) == pytest.approx(15.2e9, rel=0.01)
    # The 4-bit checkpoint of the same model that unsloth publishes takes 5.5 GB.
    nf4 = loaded_bytes(size, BaseConfig(base_model="x/y", load_in_4bit=True), dims)
    assert nf4 == pytest.approx(5.5e9, rel=0.05)


RECIPE = {
    "name": "e",
    "bases": {"tiny": {"base_model": "base"}},
    "outputs": {
        "t": {
            "finetune": {
                "base_model": "tiny",
                "datasets": [{"path": "data.jsonl", "type": "prompt_completion"}],
                "sequence_len": 64,
                "max_steps": 10,
            }
        },
        "d": {"relayer": {"model": "t", "blocks": [[0, 6]]}},
        "h": {
            "finetune": {
                "base_model": "d",
                "datasets": [{"path": "data.jsonl", "type": "prompt_completion"}],
                "sequence_len": 64,
                "train_layers": "seam",
                "max_steps": 10,
            }
        },
    },
}


def test_what_each_step_needs(load: Callable[..., LoadedRecipe]) -> None:
    plan = checked_plan(load(yaml.safe_dump(RECIPE)))
    found = estimate(plan, CPU)
    assert set(found) == set(plan.nodes)
    # A path by reference needs what its base needs, and no disk for weights.
    assert found["d"].memory_bytes == found["tiny"].memory_bytes
    assert (found["d"].disk_bytes or 0) < 1_000_000
    tuned, healed = found["t"].memory_bytes or 0, found["h"].memory_bytes or 0
    assert tuned > (found["tiny"].memory_bytes or 0) > PROCESS_BYTES
    assert (found["h"].disk_bytes or 0) < (found["t"].disk_bytes or 0)  # two layers of twelve
    assert healed > tuned  # activations of twice the layers
    longer = estimate(
        checked_plan(load(yaml.safe_dump(RECIPE), "outputs.t.finetune.max_steps=999"))
    )
    assert (longer["t"].seconds or 0) > (found["t"].seconds or 0)


def test_an_unknown_size_is_said(load: Callable[..., LoadedRecipe]) -> None:
    plan = checked_plan(load(yaml.safe_dump(RECIPE), "bases.tiny.base_model=some/unheard-of"))
    found = estimate(plan, CPU)
    assert found["t"].memory_bytes is None and "not known" in found["t"].note
    assert plan.nodes["t"].layers is None


def test_every_optimizer_has_its_bytes() -> None:
    assert set(OPTIMIZER_BYTES) == set(
        get_args(FinetuneConfig.model_fields["optimizer"].annotation)
    )


def test_too_little_memory_warns_and_too_little_disk_is_a_problem(
    load: Callable[..., LoadedRecipe], bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = checked_plan(load(yaml.safe_dump(RECIPE)), bench)
    small = replace(CPU, memory_free=1 << 20)
    warned = memory_warnings(plan, small, estimate(plan, small))
    assert {w.fact.split()[0] for w in warned} == set(plan.nodes)
    assert memory_warnings(plan, CPU, estimate(plan, CPU)) == []
    assert disk_problems(plan, bench) == []
    monkeypatch.setattr("workbench.recipe.room.disk_free", lambda folder: 1000)
    (lacking,) = disk_problems(plan, bench)
    assert "1.0 kB free" in lacking.fact and "--home" in lacking.remedy
    for node in plan.nodes.values():  # what is there already needs no room
        folder = bench / "adapters" / f"{node.name}-{node.key}"
        folder.mkdir(parents=True)
        (folder / "output.json").write_text("{}", encoding="utf-8")
    assert disk_problems(plan, bench) == []


def test_the_machine_is_asked_without_torch(tmp_path: Path) -> None:
    machine = this_machine()
    assert 0 < machine.memory_free <= machine.memory_total and machine.cores >= 1
    assert disk_free(tmp_path / "not" / "there") > 0


def test_the_largest_gpu_is_what_nvidia_smi_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'NVIDIA X, 100, 8192'\necho 'NVIDIA Y, 20000, 24576'\n", encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    machine = this_machine()
    assert (machine.gpu, machine.gpu_free, machine.gpu_total) == (
        "NVIDIA Y",
        20000 << 20,
        24576 << 20,
    )
    program.write_text("#!/bin/sh\necho broken\nexit 9\n", encoding="utf-8")
    assert this_machine().gpu is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert this_machine().gpu is None


def test_figures_as_people_read_them() -> None:
    assert [human_bytes(n) for n in (0, 999, 1000, 999_600, 1.25e9, 3e15)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.0 MB",
        "1.2 GB",
        "3000 TB",
    ]
    assert [human_count(n) for n in (7, 1600, 7.6e9)] == ["7", "1.6k", "7.6B"]
