"""What the output must hold, known before anything is written and looked up after."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import Problem, StepFailed, step_failed


def expected_tensors(
    config: Any, trust_remote_code: bool = False
) -> tuple[dict[str, tuple[int, ...]], set[str]]:
    """Names and shapes that a checkpoint of ``config`` holds, and the tied names it leaves out.

    The model is built without memory.

    Raises:
        StepFailed: transformers cannot build a model of this configuration.
    """
    import torch
    from mergekit.common import get_auto_cls

    try:
        with torch.device("meta"):
            model = get_auto_cls(config.architectures[0]).from_config(
                config, trust_remote_code=trust_remote_code
            )
    except Exception as error:
        raise step_failed(
            f"no {config.architectures[0]} can be built of the merged configuration",
            str(error)[:500],
            "check the slices; the models' own config.json may be damaged too",
        ) from error
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    return {n: tuple(t.shape) for n, t in model.state_dict().items() if n not in tied}, tied


def converts_names(config: Any) -> bool:
    """Whether transformers loads this model's tensors under other names than they are saved."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    return bool(get_checkpoint_conversion_mapping(config.model_type))


def check_names(planned: Iterable[str], expected: Iterable[str], when: str) -> None:
    """Refuses a plan or a file whose tensors are not those that the model has.

    Raises:
        StepFailed: naming the first few that are missing or too many.
    """
    planned, expected = set(planned), set(expected)
    problems = [
        Problem(
            f"{when}: {len(names)} tensors {what}: {', '.join(sorted(names)[:5])}",
            "the checkpoint would not load as it should",
            "merge models of one architecture; if they are, please report this recipe",
        )
        for names, what in (
            (expected - planned, "are missing"),
            (planned - expected, "belong to no part of the model"),
        )
        if names
    ]
    if problems:
        raise StepFailed(problems)


def check_written(folder: Path, expected: Mapping[str, tuple[int, ...]] | None) -> dict[str, Any]:
    """Reads every tensor in ``folder`` back: names, shapes, no NaN or infinity.

    ``expected`` is ``None`` for models whose names transformers converts; those are loaded once
    for good measure. Returns ``tensors``, ``parameters``, ``bytes`` and ``dtypes``.

    Raises:
        StepFailed: naming what is wrong.
    """
    import torch
    from safetensors import safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, int] = {}
    size = 0
    bad: list[str] = []
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                tensor = tensors.get_tensor(name)
                shapes[name] = tuple(tensor.shape)
                word = str(tensor.dtype).removeprefix("torch.")
                dtypes[word] = dtypes.get(word, 0) + tensor.numel()
                size += tensor.nbytes
                if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                    bad.append(name)
    if bad:
        raise step_failed(
            f"{len(bad)} merged tensors hold NaN or infinity: {', '.join(bad[:5])}",
            "the method's parameters (weights that sum to zero, an epsilon too large) or an input",
            "choose other parameters, or merge with dtype: float32",
        )
    if expected is None:
        _load(folder)
    else:
        check_names(shapes, expected, "after the merge")
        wrong = [n for n, shape in expected.items() if shapes[n] != shape]
        if wrong:
            name = wrong[0]
            raise step_failed(
                f"{len(wrong)} tensors have a wrong shape: {name} is {shapes[name]}, "
                f"not {expected[name]}",
                "the inputs differ in size, or the vocabulary was cut",
                "merge models of one size; for vocabularies add tokenizer: {source: union}",
            )
    return {
        "tensors": len(shapes),
        "parameters": sum(dtypes.values()),
        "bytes": size,
        "dtypes": dtypes,
    }


def _load(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    _, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", output_loading_info=True, local_files_only=True
    )
    wrong = {k: sorted(map(str, v))[:5] for k, v in loading.items() if v and k != "error_msgs"}
    if wrong:
        raise step_failed(
            "the merged model does not load as it should",
            json.dumps(wrong),
            "merge models of one architecture; if they are, please report this recipe",
        )
