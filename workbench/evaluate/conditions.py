"""All that a score depends on beside the weights, in a form that can be compared and hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING, Any

from workbench.errors import user_error
from workbench.evaluate.config import STEP_VERSION
from workbench.evaluate.sandbox import LIMITS
from workbench.evaluate.tasks import BuiltTask

if TYPE_CHECKING:
    from workbench.evaluate.scorer import Scorer

#: Generation defaults that ship with a model and change greedy decoding, which lm-eval leaves on.
_DECODING = (
    "repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "min_length",
    "min_new_tokens",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "num_beams",
)


def conditions_of(
    scorer: Scorer,
    tasks: list[BuiltTask],
    *,
    suite: dict[str, str],
    apply_chat_template: bool,
    batch_size: int,
    seed: int,
    precision: dict[str, Any],
) -> dict[str, Any]:
    """The conditions of one evaluation, in JSON's own types.

    The text of a chat template counts where it is applied: it is part of every prompt, so a child
    with another template than its parent's is scored under other conditions.

    Raises:
        UserError: a chat template is to be applied and the tokenizer has none.
    """
    return {
        "suite": suite,
        "tasks": {
            built.name: {
                "version": str(built.task.VERSION),
                "metric": ", ".join(built.entry.metrics),
                "filter": built.filter,
                "num_fewshot": int(built.task.get_config("num_fewshot") or 0),
                **({"programs": _programs()} if built.task.get_config("unsafe_code") else {}),
            }
            for built in tasks
        },
        "chat_template": _template(scorer) if apply_chat_template else "not applied",
        "batch_size": batch_size,
        "seed": seed,
        "precision": precision,
        "decoding": _decoding(scorer.model),
        "device": scorer.device.type,
        "versions": {
            "evaluate": STEP_VERSION,
            **{name: version(name) for name in ("torch", "transformers", "lm-eval")},
        },
    }


def with_parts(conditions: dict[str, Any], parts: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """``conditions`` of what was asked: for each task, after how many items a new part was begun.

    The items of a part are batched together and padded to the longest of their batch, so that a
    score can depend, in its last bits, on what else was asked with it.
    """
    tasks = {
        name: {**facts, "parts": list(parts[name])} for name, facts in conditions["tasks"].items()
    }
    return {**conditions, "tasks": tasks}


def _template(scorer: Scorer) -> str:
    text = getattr(scorer.tokenizer, "chat_template", None)
    if not text:
        raise user_error(
            "the suite applies a chat template and this model has none",
            "a base model's tokenizer often comes without one",
            "set apply_chat_template: false under evaluate, or give the base a chat_template",
        )
    return f"sha256 {hashlib.sha256(str(scorer.chat_template(True)).encode()).hexdigest()}"


def _programs() -> dict[str, Any]:
    """What the programs that a model writes run on, and what they may take."""
    return {"python": python_version(), **asdict(LIMITS)}


def _decoding(model: Any) -> dict[str, Any]:
    """Those of the model's generation defaults that are set and would change greedy decoding."""
    from transformers import GenerationConfig

    ours, usual = getattr(model, "generation_config", None), GenerationConfig()
    if ours is None:
        return {}
    return {
        name: value
        for name in _DECODING
        if (value := getattr(ours, name, None)) is not None and value != getattr(usual, name, None)
    }
