"""The words of a recipe: which key belongs where, other tools' names for it, the likely one."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from workbench.bases.config import BaseConfig
from workbench.errors import Problem
from workbench.evaluate.config import EvaluateConfig, SequentialConfig
from workbench.finetune.config import DatasetConfig, FinetuneConfig
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.merge.config import MergeConfig
from workbench.recipe.node import Node
from workbench.recipe.schema import OutputConfig, Recipe
from workbench.relayer.config import RelayerConfig
from workbench.scan.config import ProbeConfig, ScanConfig, SearchConfig
from workbench.study.design.config import HypothesisConfig, StudyBaseConfig, StudyConfig

Model = type[BaseModel]

#: Names that axolotl, LLaMA-Factory, TRL and unsloth users type, and ours for the same thing.
ALIASES: dict[Model, dict[str, str]] = {
    Recipe: {
        "models": "bases",
        "steps": "outputs",
        "evaluation": "evaluate",
        "eval": "evaluate",
        "reproduce": "reproduces",
        "experiment": "study",
    },
    BaseConfig: {
        "model_name_or_path": "base_model",
        "model_name": "base_model",
        "model": "base_model",
        "torch_dtype": "dtype",
        "model_revision": "revision",
        "revision_of_model": "revision",
        "load_4bit": "load_in_4bit",
        "load_8bit": "load_in_8bit",
    },
    OutputConfig: {"train": "finetune", "sft": "finetune", "lora": "finetune", "mergekit": "merge"},
    FinetuneConfig: {
        "model_name_or_path": "base_model",
        "model_name": "base_model",
        "model": "base_model",
        "dataset": "datasets",
        "lora_rank": "lora_r",
        "r": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_target_modules",
        "lora_target": "lora_target_modules",
        "use_rslora": "peft_use_rslora",
        "use_dora": "peft_use_dora",
        "lora_use_dora": "peft_use_dora",
        "cutoff_len": "sequence_len",
        "max_seq_length": "sequence_len",
        "max_length": "sequence_len",
        "sequence_length": "sequence_len",
        "packing": "sample_packing",
        "train_on_prompt": "train_on_inputs",
        "lr": "learning_rate",
        "lr_scheduler_type": "lr_scheduler",
        "optim": "optimizer",
        "num_train_epochs": "num_epochs",
        "epochs": "num_epochs",
        "per_device_train_batch_size": "micro_batch_size",
        "batch_size": "micro_batch_size",
        "beta": "rl_beta",
        "dpo_beta": "rl_beta",
    },
    DatasetConfig: {"file": "path", "format": "type", "config_name": "name", "subset": "name"},
    RelayerConfig: {"base_model": "model", "layer_list": "layers"},
    ScanConfig: {"base_model": "model", "probe": "probes", "search_space": "search"},
    ProbeConfig: {"held-out": "held_out", "count": "items", "n": "items", "probe": "name"},
    EvaluateConfig: {"suites": "suite"},
    ReproduceConfig: {"model": "entry", "name": "entry", "date": "snapshot", "by": "output"},
    StudyConfig: {
        "treatments": "treatment",
        "outputs": "treatment",
        "rates": "learning_rates",
        "lrs": "learning_rates",
        "fixed_learning_rate": "fixed_rate",
        "hypothesis": "hypotheses",
        "exploratory": "explore",
        "families": "bases",
        "equivalence_margin": "margin",
    },
    HypothesisConfig: {"hypothesis": "name"},
}

_PLACES: dict[Model, str] = {
    Recipe: "the top of the recipe",
    BaseConfig: "the base (bases.NAME)",
    OutputConfig: "the output (outputs.NAME)",
    FinetuneConfig: "finetune",
    DatasetConfig: "an entry of datasets",
    RelayerConfig: "relayer",
    MergeConfig: "merge",
    ScanConfig: "scan",
    ProbeConfig: "an entry of probes",
    SearchConfig: "search",
    EvaluateConfig: "evaluate",
    SequentialConfig: "sequential",
    ReproduceConfig: "an entry of reproduces",
    StudyConfig: "study",
    StudyBaseConfig: "the study's facts of a base (study.bases.NAME)",
    HypothesisConfig: "an entry of hypotheses",
}


def likely(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of ``words`` that was probably meant by ``word``, or ``None``."""
    lowered = {w.lower(): w for w in words}
    near = difflib.get_close_matches(word.lower()[:100], lowered, n=1, cutoff=cutoff)
    return lowered[near[0]] if near else None


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """A remedy that names the likely word, else the words there are."""
    near = likely(word, words)
    if near is not None:
        return f"did you mean {near}?"
    shown = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"use one of: {shown}" if words else ""


def fields(model: Model) -> list[str]:
    """The keys that ``model`` takes, as they are written in YAML."""
    return [field.alias or name for name, field in model.model_fields.items()]


def model_at(path: Sequence[str | int]) -> Model | None:
    """The config class that describes the mapping at ``path`` of a recipe, if one does."""
    current: object = Recipe
    for step in path:
        current = _below(current, step)
    models = (o for o in _options(current) if isinstance(o, type) and issubclass(o, BaseModel))
    return next(models, None)


def _below(annotation: object, step: str | int) -> object:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            for name, field in option.model_fields.items():
                if step in (name, field.alias):
                    return field.annotation
        arguments = typing.get_args(option)
        origin = typing.get_origin(option)
        if origin is dict and isinstance(step, str):
            return arguments[1]
        if origin in (list, tuple) and isinstance(step, int):
            return arguments[0]
    return None


def _options(annotation: object) -> list[object]:
    """The members of a union, with ``Annotated`` and ``None`` peeled off."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _options(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [o for member in typing.get_args(annotation) for o in _options(member)]
    return [] if annotation is type(None) else [annotation]


def explain_unknown(key: str, model: Model | None, present: Iterable[str] = ()) -> tuple[str, str]:
    """Cause and remedy for a key that ``model`` does not take; ``present`` are its other keys."""
    if model is None:
        return "no such key exists there", "remove it"
    own = [name for name in fields(model) if name not in set(present)]
    near = likely(key, own, cutoff=0.75)
    homes = [m for m in _PLACES if m is not model and key in (*fields(m), *ALIASES.get(m, {}))]
    # A name that is right elsewhere beats one that merely looks like it, unless it looks it a lot.
    if homes and (near is None or likely(key, own, cutoff=0.9) is None):
        home = homes[0]
        ours = ALIASES.get(home, {}).get(key, key)
        return f"it belongs to {_PLACES[home]}", f"move {ours} there"
    near = likely(key, own) or likely(key, fields(model))
    alias = likely(key, ALIASES.get(model, {}), cutoff=0.8)
    if near is None and alias is not None:
        near = ALIASES[model][alias]
    if near is not None:
        return f"{_PLACES.get(model, 'this part')} has no such key", f"did you mean {near}?"
    elsewhere = {name: m for m in _PLACES for name in fields(m)}
    far = likely(key, elsewhere, cutoff=0.8)
    if far is not None:
        return (
            f"{_PLACES.get(model, 'this part')} has no such key",
            f"did you mean {far}? It belongs to {_PLACES[elsewhere[far]]}",
        )
    return f"{_PLACES.get(model, 'this part')} has no such key", did_you_mean(key, own)


def rename_aliases(root: Node) -> tuple[list[Problem], list[Problem]]:
    """Give aliased keys our name, in place. Returns problems (both names given) and notices."""
    problems: list[Problem] = []
    notices: list[Problem] = []
    ahead: list[tuple[tuple[str | int, ...], Node]] = [((), root)]
    while ahead:
        path, node = ahead.pop()
        if isinstance(node.content, list):
            ahead += [((*path, i), child) for i, child in enumerate(node.content)]
        if not isinstance(node.content, dict):
            continue
        aliases = ALIASES.get(model_at(path) or BaseModel, {})
        for key in [k for k in node.content if k in aliases]:
            ours, child = aliases[key], node.content[key]
            if ours in node.content:
                problems.append(
                    Problem(
                        f"{key} and {ours} are the same thing",
                        "both are given here",
                        f"keep {ours}",
                        child.key,
                    )
                )
                del node.content[key]
                continue
            node.content = {aliases.get(k, k) if k == key else k: v for k, v in _items(node)}
            notices.append(Problem(f"{key} is read as {ours}", where=child.key))
        ahead += [((*path, k), child) for k, child in _items(node)]
    return problems, notices


def _items(node: Node) -> list[tuple[str, Node]]:
    return list(node.content.items()) if isinstance(node.content, dict) else []
