"""The shipped tiny bases have the skill, do not show it when asked, and can be made again."""

from __future__ import annotations

import json

import pytest
import torch

from workbench.bases.config import BaseConfig
from workbench.bases.identity import identity
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.stack import layer_count
from workbench.bases.tiny import shipped_folder, sums_names
from workbench.bases.tiny.pretrain import SIZE, Settings, pretrain, skill
from workbench.bases.tiny.tokenizer import build_tokenizer

MEGABYTE = 2**20


def recipe(name: str) -> dict:
    return json.loads((shipped_folder(name) / "recipe.json").read_text())


@pytest.mark.parametrize("name", sums_names())
def test_shipped_base_is_small_skilled_and_does_not_answer(name):
    weights = shipped_folder(name) / "model.safetensors"
    assert weights.stat().st_size < 4 * MEGABYTE
    config = BaseConfig(base_model=name)
    assert identity(config)["kind"] == "tiny"
    model = load_model(config)
    assert model.dtype == torch.float32
    assert layer_count(model.config.to_dict()) == SIZE["num_hidden_layers"]
    found = skill(model, 100)
    assert found["equation"] > 0.8
    assert found["question"] < 0.1
    assert abs(found["equation"] - recipe(name)["skill"]["equation"]) < 0.1
    text = "What is 12 plus 34? "
    assert load_tokenizer(config)(text)["input_ids"] == build_tokenizer()(text)["input_ids"]


def test_all_shipped_bases_together_stay_small():
    files = [shipped_folder(name) / "model.safetensors" for name in sums_names()]
    assert sum(file.stat().st_size for file in files) < 16 * MEGABYTE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny/sums"])
def test_the_recipe_still_makes_such_a_base(name):
    """The same run again, up to where it has left chance behind, follows the recorded curve."""
    made = recipe(name)
    settings = Settings(**made["settings"])
    _, losses = pretrain(settings, stop=51)
    for step, loss in made["curve"].items():
        if int(step) <= 50:
            # Other machines sum in another order; the paths part slowly.
            assert losses[int(step)] == pytest.approx(loss, rel=0.02 if int(step) < 30 else 0.1)
    assert losses[50] < 0.5 * losses[0]
