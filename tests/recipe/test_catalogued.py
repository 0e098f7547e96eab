"""Bases that are not downloaded: what the catalogue knows is used, what it lacks is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from workbench.bases.catalogue import entries
from workbench.bases.config import BaseConfig
from workbench.errors import Problem
from workbench.recipe.catalogued import base_dimensions, guess, sketch
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import estimate
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.machine import Machine
from workbench.recipe.room import memory_warnings
from workbench.recipe.sizes import base_size, loaded_bytes

Load = Callable[..., LoadedRecipe]
Faults = Callable[..., list[Problem]]

GPU = Machine(64 << 30, 64 << 30, 8, "NVIDIA X", 24 << 30, 24 << 30)
TRAINED = {
    "datasets": [{"path": "yahma/alpaca-cleaned", "type": "alpaca"}],
    "max_steps": 10,
    "gradient_checkpointing": True,
    "micro_batch_size": 1,
}


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.bases.identity.cached_snapshot", lambda *_: None)
    monkeypatch.setattr("workbench.bases.locate.cached_snapshot", lambda *_: None)


def recipe(base: str, **loading: object) -> str:
    return yaml.safe_dump(
        {
            "name": "c",
            "bases": {"big": {"base_model": base, **loading}},
            "outputs": {
                "tuned": {"finetune": {"base_model": "big", **TRAINED}},
                "rys": {"relayer": {"model": "big", "blocks": [[20, 24]]}},
                "healed": {"finetune": {"base_model": "rys", "train_layers": "seam", **TRAINED}},
            },
        },
        sort_keys=False,
    )


@pytest.mark.parametrize(
    ("base", "printed"),
    # What PEFT prints as trainable parameters for r = 16 on all linear layers of each.
    [("Qwen/Qwen2.5-7B", "LoRA of 40.4M "), ("meta-llama/Llama-3.1-8B", "LoRA of 41.9M ")],
)
def test_an_adapter_on_a_base_that_is_not_here(load: Load, base: str, printed: str) -> None:
    plan = checked_plan(load(recipe(base, load_in_4bit=True)))
    layers = plan.nodes["big"].layers
    assert layers is not None and plan.nodes["rys"].layers == layers + 4
    found = estimate(plan, GPU)
    assert all(each.memory_bytes and each.disk_bytes and each.seconds for each in found.values())
    assert printed in found["tuned"].note
    assert f"{layers} → {layers + 4} layers" in found["rys"].note
    # One seam: two of the layers are trained.
    assert (found["healed"].scratch_bytes - 40e6) / (found["tuned"].scratch_bytes - 40e6) == (
        pytest.approx(2 / layers, rel=1e-3)
    )


def test_layers_beyond_the_catalogue_are_errors_with_lines(faults: Faults) -> None:
    text = recipe("Qwen/Qwen2.5-7B").replace("- 24", "- 29")
    (told,) = faults(text)
    assert "[20, 29] is out of range" in told.fact and "28 layers" in told.cause
    assert told.where is not None and "29" in text.splitlines()[told.where.line]
    text = recipe("Qwen/Qwen2.5-7B")
    (told,) = faults(text, "outputs.tuned.finetune.train_layers=[27, 28]")
    assert "layer 28" in told.fact
    (told,) = faults(text, "outputs.healed.finetune.base_model=tuned")
    assert "no seam" in told.fact


def test_a_merge_of_bases_that_are_not_here(load: Load, faults: Faults) -> None:
    block = {
        "merge_method": "passthrough",
        "slices": [
            {"sources": [{"model": "Qwen/Qwen2.5-7B", "layer_range": [0, 20]}]},
            {"sources": [{"model": "Qwen/Qwen2.5-7B-Instruct", "layer_range": [10, 28]}]},
        ],
    }
    text = yaml.safe_dump({"name": "m", "outputs": {"stacked": {"merge": block}}})
    plan = checked_plan(load(text))
    assert plan.nodes["stacked"].layers == 38
    # 38 layers of 233 M parameters and 1.09 B of embeddings, in 16 bits.
    assert estimate(plan, GPU)["stacked"].disk_bytes == pytest.approx(19.9e9, rel=0.05)
    (told,) = faults(text.replace("- 28", "- 29"))
    assert "which has 28" in told.fact and told.where is not None
    (told,) = faults(text.replace("Qwen2.5-7B-Instruct", "Qwen2.5-14B-Instruct"))[:1]
    assert "hidden_size is 3584" in told.fact


@pytest.mark.parametrize("hub_id", [e.hub_id for e in entries() if e.kind == "base"])
def test_every_base_of_the_catalogue_has_sizes(hub_id: str) -> None:
    base = BaseConfig(base_model=hub_id)
    config = sketch(base)
    size = base_size(base, config)
    dims = base_dimensions(config, size)
    assert size is not None and dims is not None
    if dims.linears_are_known:
        # Vision towers are counted in the parameters and not in the shape.
        within = 0.12 if "ConditionalGeneration" in dims.architecture else 0.03
        counted = dims.linear_parameters + dims.embedding_parameters
        assert counted == pytest.approx(size.parameters, rel=within)
        # Without the shape, a LoRA comes out within a factor of two: it grows with depth x width.
        blind = guess(None, size)
        assert 0.5 < blind.layers * blind.hidden / (dims.layers * dims.hidden) < 2


def test_what_is_guessed_is_said(load: Load) -> None:
    plan = checked_plan(load(recipe("openbmb/MiniCPM4-8B", load_in_4bit=True)))
    found = estimate(plan, GPU)
    assert plan.nodes["big"].layers is None  # a guess is no ground to refuse on
    assert "roughly" in found["tuned"].note and "guessed" in found["tuned"].note
    assert found["tuned"].memory_bytes and found["rys"].memory_bytes
    mixture = estimate(checked_plan(load(recipe("Qwen/Qwen3-30B-A3B-Base"))), GPU)
    assert "roughly" in mixture["tuned"].note
    # Of 30.5 B parameters 3.3 B work on a token: it takes less time than a dense one of 7.6 B.
    dense = estimate(checked_plan(load(recipe("Qwen/Qwen2.5-7B"))), GPU)
    assert (mixture["tuned"].seconds or 0) < (dense["tuned"].seconds or 0)


def test_a_remedy_is_not_what_the_recipe_does_already(load: Load) -> None:
    def remedies(base: str, *sets: str, **loading: object) -> dict[str, str]:
        plan = checked_plan(load(recipe(base, **loading), *sets))
        told = memory_warnings(plan, GPU, estimate(plan, GPU))
        return {each.fact.split()[0]: each.remedy for each in told}

    # 29.5 GB at 16 bits, about 10 at 4: a card of 24 GiB takes the latter.
    whole = remedies("Qwen/Qwen2.5-14B")
    assert whole["big"].startswith("set load_in_4bit;")
    assert "load_in_4bit on its base" in whole["tuned"] and "checkpointing" not in whole["tuned"]
    packed = remedies("Qwen/Qwen2-72B", load_in_4bit=True)
    assert set(packed) == {"big", "tuned", "rys", "healed"}
    for text in packed.values():
        assert "4bit" not in text and "sequence_len" not in text
        assert "GPU with more memory" in text and "smaller base" in text
    long = remedies(
        "Qwen/Qwen2.5-7B", "outputs.tuned.finetune.sequence_len=32768", load_in_4bit=True
    )
    assert set(long) == {"tuned"} and "sequence_len" in long["tuned"]
    assert "micro_batch_size" not in long["tuned"]


def test_seeds_are_warned_of_once_and_what_is_made_not_at_all(load: Load) -> None:
    plan = checked_plan(load(recipe("Qwen/Qwen2-72B"), "seeds=[0, 1]"))
    told = [each.fact.split()[0] for each in memory_warnings(plan, GPU)]
    assert sorted(told) == ["big", "healed", "rys", "tuned"]
    fewer = memory_warnings(plan, GPU, there={"tuned@0", "tuned@1"})
    assert "tuned" not in {each.fact.split()[0] for each in fewer}


def test_four_bits_of_seventy_billion() -> None:
    # 70.2 B linear weights at 4.127 bits and 2.5 B of embeddings at 16.
    base = BaseConfig(base_model="Qwen/Qwen2-72B-Instruct", load_in_4bit=True)
    config = sketch(base)
    size = base_size(base, config)
    assert size is not None
    loaded = loaded_bytes(size, base, base_dimensions(config, size))
    assert loaded == pytest.approx(70.2e9 * 4.127 / 8 + 2.5e9 * 2, rel=0.01)
