"""Whether a fine-tune fits what it trains on: chat template, seams, DoRA. No weights needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.errors import Problem
from workbench.finetune.config import FinetuneConfig
from workbench.recipe.faults import KeyPath
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.paths import local_folder
from workbench.recipe.schema import StepConfig
from workbench.recipe.shapes import path_of
from workbench.relayer.config import RelayerConfig
from workbench.relayer.path import seams
from workbench.scan.config import ScanConfig


def training_problems(
    loaded: LoadedRecipe, configs: Mapping[str, dict[str, Any] | None]
) -> list[Problem]:
    """Problems between each fine-tune and its parents; ``configs`` are those of ``shapes``."""
    steps = {name: output.step for name, output in loaded.recipe.outputs.items()}
    problems: list[Problem] = []
    for name, step in steps.items():
        if isinstance(step, FinetuneConfig):
            block: KeyPath = ("outputs", name, "finetune")
            problems += _template(loaded, steps, step, block)
            problems += _seam(loaded, steps, step, block, configs)
            problems += _dora(loaded, steps, step, block)
    return problems


def ancestry(steps: Mapping[str, StepConfig], name: str) -> Iterator[tuple[str, StepConfig | None]]:
    """``name`` and what it is laid over, up to the base or merge it all runs on (``None``)."""
    passed: set[str] = set()
    while name not in passed:
        passed.add(name)
        step = steps.get(name)
        if isinstance(step, FinetuneConfig):
            yield name, step
            name = step.base_model
        elif isinstance(step, RelayerConfig | ScanConfig):
            yield name, step
            name = step.model
        else:
            yield name, None
            return


def seam_count(
    steps: Mapping[str, StepConfig], name: str, configs: Mapping[str, dict[str, Any] | None]
) -> int | None:
    """Seams of the newest layer path of ``name``; 0 without a path, ``None`` where not known."""
    for _, step in ancestry(steps, name):
        if isinstance(step, RelayerConfig):
            path = path_of(step, configs.get(step.model))
            return None if path is None else len(seams(path))
        if isinstance(step, ScanConfig):
            return None
    return 0


def _template(
    loaded: LoadedRecipe, steps: Mapping[str, StepConfig], step: FinetuneConfig, block: KeyPath
) -> list[Problem]:
    from workbench.finetune.template import (
        check_template,
        has_chat_template,
        needs_template,
        no_template_problem,
    )

    if step.chat_template is not None:
        fault = check_template(step.chat_template, loaded.where((*block, "chat_template")))
        return [fault] if fault else []
    if not needs_template(step):
        return []
    for _, above in ancestry(steps, step.base_model):
        if isinstance(above, FinetuneConfig) and above.chat_template is not None:
            return []
    base = _base(loaded, steps, step)
    folder = local_folder(base) if base and base.chat_template is None else None
    if folder is None or has_chat_template(folder):
        return []
    return [no_template_problem(step.base_model, loaded.where((*block, "base_model")))]


def _seam(
    loaded: LoadedRecipe,
    steps: Mapping[str, StepConfig],
    step: FinetuneConfig,
    block: KeyPath,
    configs: Mapping[str, dict[str, Any] | None],
) -> list[Problem]:
    if step.train_layers != "seam" or seam_count(steps, step.base_model, configs) != 0:
        return []
    return [
        Problem(
            f"train_layers: seam, but {step.base_model} has no seam",
            "a seam is where a layer path jumps, and its layers run in order",
            "fine-tune an output of relayer, or use train_layers: all",
            loaded.where((*block, "train_layers")),
        )
    ]


def _dora(
    loaded: LoadedRecipe, steps: Mapping[str, StepConfig], step: FinetuneConfig, block: KeyPath
) -> list[Problem]:
    if not step.peft_use_dora:
        return []
    where = loaded.where((*block, "peft_use_dora"))
    base = _base(loaded, steps, step)
    if base is not None and base.load_in_8bit:
        return [
            Problem(
                "peft_use_dora: true on a base loaded in 8 bit",
                "bitsandbytes' 8-bit layers give DoRA no weights to take the norm of",
                "use load_in_4bit on the base, or peft_use_dora: false",
                where,
            )
        ]
    for name, above in ancestry(steps, step.base_model):
        if isinstance(above, FinetuneConfig):
            return [
                Problem(
                    f"peft_use_dora: true, but {step.base_model} carries the adapter {name}",
                    "DoRA scales the weights it is trained on, and those of a base are only "
                    "without adapters",
                    "use peft_use_dora: false, or merge the adapter first",
                    where,
                )
            ]
    return []


def _base(
    loaded: LoadedRecipe, steps: Mapping[str, StepConfig], step: FinetuneConfig
) -> BaseConfig | None:
    """The base under ``step``; ``None`` where that is a merge."""
    *_, (name, _) = ancestry(steps, step.base_model)
    return loaded.recipe.bases.get(name)
