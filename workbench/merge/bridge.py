"""Runs mergekit in this process over local folders and hands back a checkpoint that was checked.

mergekit's planner and executor do the work. Its ``run_merge`` around them is not used: it writes
the configuration after the weights, so a wrong layer list costs the whole merge, and it takes
configuration and tokenizer from a model picked by the order of a set.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.errors import UserError, user_error
from workbench.merge.carry import write_block, write_tokenizer
from workbench.merge.checks import check
from workbench.merge.config import (
    MergeConfig,
    donor,
    merged_models,
    model_references,
    needs_seed,
    slices_of,
)
from workbench.merge.guards import fresh_caches, heard_warnings, nothing_stays, told_apart
from workbench.progress import Progress, Silent


def merge(
    config: MergeConfig,
    folders: Mapping[str, Path],
    *,
    seed: int | None,
    out: Path,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Merges the models of ``config``, found in ``folders`` by name, into the folder ``out``.

    Equal inputs and seed give equal bytes. Whatever fails, nothing of the attempt stays in ``out``.
    Returns the record: method, mergekit's version, tensors, parameters, bytes, dtypes, layers,
    seconds, vocabulary, chat_template_from and warnings.

    Raises:
        UserError: models that do not fit, pickle weights, a random method without a seed.
        StepFailed: mergekit failed, or what it wrote is not the model that was planned.
    """
    folders = {name: Path(folders[name]) for name in model_references(config)}
    problems = check(config, {n: _config_file(f) for n, f in folders.items()})
    if problems:
        raise UserError(problems)
    for name, folder in folders.items():
        if not any(folder.glob("*.safetensors")):
            raise user_error(
                f"{name} has no safetensors weights in {folder}",
                "pickle files can run code, and are not read",
                "load it with transformers and save it again with save_pretrained",
            )
    if seed is None and needs_seed(config):
        raise user_error(
            f"{config.merge_method} draws random numbers and no seed was given",
            "without one no two merges are alike",
            "give seeds: in the recipe",
        )
    with nothing_stays(out), fresh_caches(), told_apart(config):
        return _run(config, folders, seed or 0, out, progress or Silent())


def _run(
    config: MergeConfig, folders: Mapping[str, Path], seed: int, out: Path, progress: Progress
) -> dict[str, Any]:
    import torch
    from mergekit.options import MergeOptions
    from transformers import AutoConfig

    from workbench.bases.aligned import align_file
    from workbench.merge.layers import layer_sources, output_config
    from workbench.merge.planner import plan
    from workbench.merge.translate import translate
    from workbench.merge.verify import check_names, check_written, converts_names, expected_tensors
    from workbench.merge.vocabulary import align

    began = time.monotonic()
    settings = translate(config, folders)
    options = MergeOptions(
        allow_crimes=config.options.allow_crimes,
        trust_remote_code=config.options.trust_remote_code,
        low_cpu_memory=config.options.low_cpu_memory,
        device=config.options.device,
        out_shard_size=_bytes(config.options.out_shard_size),
        random_seed=seed,
        write_model_card=False,
        lazy_unpickle=False,
        # A layer that is written twice would share its memory, which safetensors refuses.
        clone_tensors=_repeats(layer_sources(slices_of(config))),
        quiet=True,
    )
    loaded = {
        name: AutoConfig.from_pretrained(folder, trust_remote_code=options.trust_remote_code)
        for name, folder in folders.items()
    }
    configs = {name: model.to_dict() for name, model in loaded.items()}
    with heard_warnings() as heard:
        vocabulary = align(config, settings, folders, configs)
        fields = output_config(config, donor(config), configs)
        fields = _with_vocabulary(fields, vocabulary.rows)
        fields["tie_word_embeddings"] = all(
            configs[n].get("tie_word_embeddings", False) for n in merged_models(config)
        )
        fields.pop("_name_or_path", None)
        result = type(loaded[donor(config)]).from_dict(fields)
        expected, tied = expected_tensors(result, options.trust_remote_code)
        executor, saves = plan(settings, options, result, out, tied, vocabulary)
        named = None if converts_names(result) else expected
        if named is not None:
            check_names((save.tensor_name for save in saves), named, "before the merge")
        devices = ["cuda"] if str(options.device).startswith("cuda") else []
        with (
            torch.random.fork_rng(devices=range(torch.cuda.device_count()) if devices else []),
            progress.bar(f"merge: {config.merge_method}", len(executor.targets)) as tick,
        ):
            torch.manual_seed(seed)
            for _task, _value in executor.run(quiet=True):
                tick()
    seconds = time.monotonic() - began
    for file in out.glob("*.safetensors"):
        align_file(file)
    written = check_written(out, named)
    result.dtype = max(written["dtypes"], key=written["dtypes"].__getitem__)
    result.save_pretrained(out)
    template_from = write_tokenizer(config, folders, vocabulary, out)
    write_block(config, out)
    warnings = [*vocabulary.warnings, *heard, *_unlike(config, configs)]
    return {
        "method": config.merge_method,
        "mergekit": version("mergekit"),
        "models": list(folders),
        "donor": donor(config),
        "seed": seed if needs_seed(config) else None,
        **written,
        "layers": result.get_text_config().num_hidden_layers,
        "seconds": round(seconds, 3),
        "vocabulary": vocabulary.record,
        "tie_word_embeddings": fields["tie_word_embeddings"],
        "chat_template_from": template_from,
        "warnings": warnings,
    }


def _repeats(sources: list[list[tuple[str, int]]]) -> bool:
    each = [tuple(layer) for layer in sources]
    return len(set(each)) < len(each)


def _with_vocabulary(fields: dict[str, Any], rows: int) -> dict[str, Any]:
    from workbench.bases.stack import NESTED_KEYS

    for key in NESTED_KEYS:
        if isinstance(fields.get(key), Mapping):
            return fields | {key: _with_vocabulary(dict(fields[key]), rows)}
    return fields | {"vocab_size": rows}


def _unlike(config: MergeConfig, configs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Settings that change what the weights mean, where the donor's win without being merged."""
    giver = donor(config)
    parts = slices_of(config)
    if parts and configs[giver].get("tie_word_embeddings"):
        first, last = parts[0].sources[0].model, parts[-1].sources[0].model
        if first != last:
            yield f"the head is tied to the embeddings, which are {first}'s; {last}'s is not used"
    for word in ("rope_parameters", "rope_theta", "sliding_window", "hidden_act", "rms_norm_eps"):
        for name, other in configs.items():
            if other.get(word) != configs[giver].get(word):
                yield f"{word} is {other.get(word)} in {name}; the output has {giver}'s"


def _config_file(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise user_error(
            f"{folder} is no model: its config.json cannot be read", str(error), "give a checkpoint"
        ) from error
    return content


def _bytes(size: str) -> int:
    from mergekit.common import parse_kmb

    return int(parse_kmb(size))
