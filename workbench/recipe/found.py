"""The files that a recipe names, where they are: see :mod:`workbench.recipe.paths`."""

from __future__ import annotations

from pathlib import Path

from workbench.bases.config import BaseConfig
from workbench.finetune.config import DatasetConfig
from workbench.output_config import OutputConfig
from workbench.recipe.paths import find_path, template_text
from workbench.recipe.schema import Recipe
from workbench.scan.config import ProbeConfig
from workbench.study.design.config import StudyConfig


def with_files(recipe: Recipe, path: Path) -> Recipe:
    """``recipe`` with its paths as they are found from the working folder.

    Those of data sets, local bases, probes, items and the suite; of a chat template the text.
    """
    bases = {name: _found_base(base, path) for name, base in recipe.bases.items()}
    outputs = {name: _found_output(output, path) for name, output in recipe.outputs.items()}
    evaluate = recipe.evaluate
    if evaluate is not None and evaluate.suite.endswith((".yaml", ".yml")):
        suite = find_path(evaluate.suite, path) or evaluate.suite
        evaluate = evaluate.model_copy(update={"suite": suite})
    study = _found_study(recipe.study, path) if recipe.study is not None else None
    return recipe.model_copy(
        update={"bases": bases, "outputs": outputs, "evaluate": evaluate, "study": study}
    )


def _found_output(output: OutputConfig, path: Path) -> OutputConfig:
    if output.finetune is not None:
        datasets = [_found_data(dataset, path) for dataset in output.finetune.datasets]
        template = template_text(output.finetune.chat_template, path)
        finetune = output.finetune.model_copy(
            update={"datasets": datasets, "chat_template": template}
        )
        output = output.model_copy(update={"finetune": finetune})
    if output.scan is not None:
        probes = [_found_probe(probe, path) for probe in output.scan.probes]
        output = output.model_copy(
            update={"scan": output.scan.model_copy(update={"probes": probes})}
        )
    return output


def _found_study(study: StudyConfig, path: Path) -> StudyConfig:
    """A study with its files; ``suspect`` may be a task's name, which is left alone."""
    items = {
        key: found
        for key in ("suspect", "fresh")
        if (given := getattr(study, key)) is not None
        and (found := find_path(given, path)) is not None
        and Path(found).is_file()
    }
    treatment = {name: _found_output(output, path) for name, output in study.treatment.items()}
    return study.model_copy(update={**items, "treatment": treatment})


def _found_base(base: BaseConfig, path: Path) -> BaseConfig:
    if base.chat_template is not None:
        base = base.model_copy(update={"chat_template": template_text(base.chat_template, path)})
    if base.base_model.startswith("tiny/"):
        return base
    folder = find_path(base.base_model, path)
    if folder is None or not Path(folder).is_dir():
        return base
    return base.model_copy(update={"base_model": folder})


def _found_probe(probe: ProbeConfig, path: Path) -> ProbeConfig:
    """A probe with the files it names; an option that names no file is left alone."""
    name = find_path(probe.name, path) if probe.name.endswith(".py") else None
    options = {
        key: found
        if isinstance(value, str)
        and Path(value).suffix
        and (found := find_path(value, path)) is not None
        else value
        for key, value in probe.options.items()
    }
    return probe.model_copy(update={"name": name or probe.name, "options": options})


def _found_data(dataset: DatasetConfig, path: Path) -> DatasetConfig:
    from workbench.finetune.read import is_local

    if not is_local(dataset.path):
        return dataset
    return dataset.model_copy(update={"path": find_path(dataset.path, path) or dataset.path})
