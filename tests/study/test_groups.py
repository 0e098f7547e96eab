"""Groups, families and compute out of the catalogue, and what a recipe says instead."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from workbench.bases.catalogue import entries
from workbench.bases.config import BaseConfig
from workbench.study.design.config import StudyConfig
from workbench.study.design.groups import BaseFacts, facts_of, sizes


def facts(models: dict[str, str], **said: Any) -> dict[str, BaseFacts]:
    study = StudyConfig.model_validate({"question": "Which?", "treatment": {}, **said})
    bases = {name: BaseConfig(base_model=model) for name, model in models.items()}
    return facts_of(study, bases, {"tiny": 1_000_000})


def test_the_lab_s_country_is_the_group() -> None:
    found = facts({"q": "Qwen/Qwen2.5-7B", "l": "meta-llama/Llama-3.1-8B"})
    assert (found["q"].group, found["q"].asked, found["q"].family) == ("Chinese", True, "Qwen2.5")
    assert (found["l"].group, found["l"].asked, found["l"].family) == ("others", False, "Llama-3.1")
    assert found["q"].country == "CN"
    assert found["l"].group_source == found["l"].family_source == "catalogue"
    # The groups' names are the study's own.
    named = facts({"q": "Qwen/Qwen2.5-7B"}, asked="China", others="elsewhere")
    assert named["q"].group == "China"


def test_a_recipe_s_word_goes_first() -> None:
    said = {"q": {"group": "others", "family": "mine", "compute": 1.5, "cause": "latent"}}
    found = facts({"q": "Qwen/Qwen2.5-7B"}, bases=said)["q"]
    assert (found.group, found.asked, found.family) == ("others", False, "mine")
    assert (found.compute, found.cause) == (1.5, "latent")
    assert found.group_source == found.family_source == "recipe"
    assert found.log_parameters == pytest.approx(math.log10(7.615616512))


def test_compute_is_parameters_times_tokens_in_billions() -> None:
    found = facts({"q": "Qwen/Qwen2.5-7B", "moe": "Qwen/Qwen3-30B-A3B-Base"})
    assert found["q"].compute == pytest.approx(math.log10(7.615616512 * 18_000))
    # Of a mixture of experts, those that work on a token.
    assert found["moe"].compute == pytest.approx(math.log10(3.3 * 36_000))
    assert found["moe"].log_parameters == pytest.approx(math.log10(30.532122624))


def test_what_nobody_knows_stays_unknown() -> None:
    found = facts({"tiny": "tiny/sums", "m": "mistralai/Mistral-7B-v0.3"})
    assert (found["tiny"].group, found["tiny"].family) == ("", "")
    assert found["tiny"].log_parameters == pytest.approx(-3)
    assert found["tiny"].compute is None
    assert (found["m"].tokens, found["m"].compute) == (None, None)


def test_the_catalogue_knows_countries_and_no_other_groups() -> None:
    found = facts({"l": "meta-llama/Llama-3.1-8B"}, asked="large labs", others="small labs")
    assert found["l"].group == ""
    assert found["l"].family == "Llama-3.1"


def test_sizes_count_bases_by_family() -> None:
    models = {"a": "Qwen/Qwen3-4B-Base", "b": "Qwen/Qwen3-8B-Base", "c": "google/gemma-2-9b"}
    found = facts(models)
    study = StudyConfig.model_validate({"question": "Which?", "treatment": {}})
    assert sizes(found.values(), study) == {"Chinese": {"Qwen3": 2}, "others": {"Gemma-2": 1}}


def test_training_tokens_are_those_that_a_published_table_lists(shared_data: Path) -> None:
    """arXiv 2407.07890 lists log10(parameters x tokens) and ln(parameters), both in billions."""
    table = shared_data / "training_on_the_test_task.csv"
    with table.open(encoding="utf-8") as stream:
        listed = {
            row["base"]: 10 ** float(row["lc"]) / math.exp(float(row["ln"]))
            for row in csv.DictReader(stream)
        }
    ours = {}
    for entry in entries():
        name = entry.hub_id.rpartition("/")[2].lower().replace("_", ".").removesuffix("-hf")
        if entry.kind == "base" and entry.training_tokens is not None:
            ours[name.removeprefix("meta-")] = entry.training_tokens
    shared = set(ours) & set(listed)
    assert len(shared) >= 20
    for name in shared:
        assert ours[name] == pytest.approx(listed[name], rel=0.01), name
