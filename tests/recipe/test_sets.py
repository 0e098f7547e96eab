"""``--set``: read like the file, checked like the file, and named where it is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.errors import Problem
from workbench.recipe.load import LoadedRecipe

Load = Callable[..., LoadedRecipe]
Faults = Callable[..., list[Problem]]

TEXT = """\
name: s
bases:
  tiny: {base_model: base}
outputs:
  qwen2.5-tuned:
    finetune: &lora
      base_model: tiny
      datasets: [{path: data.jsonl, type: prompt_completion}]
  other:
    finetune: *lora
"""


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("outputs.other.finetune.lora_r=9", "lora_r", 9),
        ("outputs.other.finetune.lora_rank=9", "lora_r", 9),
        ("outputs.other.finetune.learning_rate=1e-4", "learning_rate", 1e-4),
        ("outputs.other.finetune.train_layers=[0, 2]", "train_layers", [0, 2]),
        ("outputs.other.finetune.sample_packing=true", "sample_packing", True),
        ("outputs.other.finetune.max_steps=null", "max_steps", None),
    ],
)
def test_a_value_is_put_in_and_an_anchor_is_not_changed(
    load: Load, text: str, path: str, value: object
) -> None:
    recipe = load(TEXT, text).recipe
    assert getattr(recipe.outputs["other"].finetune, path) == value
    plain = load(TEXT).recipe
    assert recipe.outputs["qwen2.5-tuned"] == plain.outputs["qwen2.5-tuned"]


def test_names_with_dots_lists_and_new_sections(load: Load) -> None:
    recipe = load(
        TEXT,
        "outputs.qwen2.5-tuned.finetune.lora_r=5",
        "outputs.other.finetune.datasets.0.split=all",
        "seeds=[3, 4]",
        "evaluate.suite=quick",
        "evaluate.limit=2",
        "outputs.new={relayer: {model: tiny, blocks: [[0, 1]]}}",
        "bases.tiny.load_in_4bit=true",
    ).recipe
    assert recipe.outputs["qwen2.5-tuned"].finetune.lora_r == 5  # type: ignore[union-attr]
    assert recipe.outputs["other"].finetune.datasets[0].split == "all"  # type: ignore[union-attr]
    assert recipe.seeds == [3, 4]
    assert recipe.evaluate is not None and recipe.evaluate.limit == 2
    assert recipe.outputs["new"].kind == "relayer"
    assert recipe.bases["tiny"].load_in_4bit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outputs.other.finetune.lora_rr=9", "did you mean lora_r?"),
        ("outputs.other.finetune.lora_r=nine", "whole number, not the text 'nine'"),
        ("outputs.othr.finetune.lora_r=9", "did you mean other?"),
        ("output.other.finetune.lora_r=9", "did you mean outputs?"),
        ("outputs.other.finetune.datasets.3.split=x", "items are 0 to 0"),
        ("bases.tiny.base_model.x=1", "no mapping"),
        ("outputs.other.finetune.base_model=othr", "did you mean other?"),
        ("outputs.other.finetune.lora_r", "KEY.PATH=VALUE"),
        ("=3", "KEY.PATH=VALUE"),
        ("seeds=[1", "not valid YAML"),
        ("seeds=[true]", "not true"),
        ("name=../x", "not allowed"),
        ("outputs.a/b={relayer: {model: tiny, drop: [[0, 1]]}}", "not allowed"),
        ("name=!!python/object:os.system x", "refused"),
    ],
)
def test_a_wrong_one_is_named(faults: Faults, text: str, words: str) -> None:
    problems = faults(TEXT, text)
    assert len(problems) == 1, problems
    assert words in str(problems[0])
    assert problems[0].where is not None
    assert problems[0].where.file == f"--set {text}"


def test_all_wrong_ones_at_once_with_those_of_the_file(faults: Faults) -> None:
    problems = faults(TEXT.replace("base}", "base, dtyp: auto}"), "sedes=[1]", "seeds=1")
    assert len(problems) == 3
