"""Fine-tuning one parent: from config, model and tokenizer to a saved adapter and its record."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.stops import stop_ids
from workbench.errors import step_failed
from workbench.finetune.checkpoints import last_whole, open_work
from workbench.finetune.config import STEP_VERSION, FinetuneConfig
from workbench.finetune.encode import Encoded, EncodedPreference
from workbench.finetune.failures import said_plainly
from workbench.finetune.lora import TRAINED, add_adapter, lora_config
from workbench.finetune.supervision import all_samples, encode_all
from workbench.finetune.tokens import prepare_tokenizer
from workbench.progress import Progress
from workbench.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: What a trainer's log entry may hold beside step and loss, and a reader of a curve wants.
CURVE_FIELDS = (
    "epoch",
    "loss",
    "learning_rate",
    "grad_norm",
    "mean_token_accuracy",
    "entropy",
    "rewards/accuracies",
    "rewards/margins",
    "nll_loss",
    "log_odds_ratio",
)


def train(
    config: FinetuneConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    path: tuple[int, ...] | None,
    out: Path,
    work: Path,
    progress: Progress,
    base_name: str | None = None,
) -> dict[str, Any]:
    """Train a new adapter on ``model`` and save it, with the tokenizer, into ``out``.

    ``model`` is a shared copy of the parent: it is changed (adapters are put in), the tensors it
    shares are not. It may be 4- or 8-bit, run a layer path (``path``, whose seams
    ``train_layers: seam`` means), and carry frozen adapters. ``tokenizer`` is left alone.
    Checkpoints go to ``work``; called again with the same ``work`` after a kill, training goes on
    from the last whole one and ends with the same adapter, bit for bit. ``base_name`` is what the
    adapter calls its base (a hub id), else the model's own name.

    Returns the record: token counts of :func:`~workbench.finetune.supervision.encode_all`,
    ``changed_labels`` (rows) where labels are not those given, ``masking``, ``method``,
    ``trainable_parameters``, ``steps``, ``epochs``, ``curve`` (one entry a logging step) and the
    special tokens. Raises ``UserError`` for data or settings that cannot be trained, before any
    step is made; ``StepFailed`` for a loss that diverges, memory or disk.
    """
    with quiet():
        tokenizer = copy.deepcopy(tokenizer)
        special = prepare_tokenizer(config, tokenizer)
        stops = frozenset(stop_ids(tokenizer, model.generation_config))
        samples, relabelled = all_samples(config, seed)
        encoded, counts = encode_all(config, tokenizer, samples, stops)
        adapter = lora_config(config, model, path)
        reference = None
        if config.rl == "dpo":
            from workbench.bases.share import share

            reference = share(model)
        masking = _masking(config, model)
        progress.line(
            f"{counts['supervised_tokens']:,} of {counts['total_tokens']:,} tokens are learnt, "
            f"in {counts['rows'] - counts['dropped_rows']:,} of {counts['rows']:,} rows"
        )
        name = public_name(base_name or str(getattr(model.config, "_name_or_path", "") or ""))
        wrapped = add_adapter(model, adapter, seed)
        open_work(work, _job(config, seed, path, encoded))
        with said_plainly(config, work):
            _try_save(wrapped, tokenizer, name, out, work)
            state = _run(config, wrapped, reference, tokenizer, encoded, seed, work, progress)
            save_adapter(wrapped, tokenizer, name, out)
    return {
        "method": config.rl or "sft",
        **counts,
        **relabelled,
        "masking": masking,
        **special,
        "trainable_parameters": sum(p.numel() for p in wrapped.parameters() if p.requires_grad),
        "steps": state.global_step,
        "epochs": state.epoch,
        "curve": [
            {"step": entry["step"], **{f: entry[f] for f in CURVE_FIELDS if f in entry}}
            for entry in state.log_history
            if "loss" in entry
        ],
    }


def _run(
    config: FinetuneConfig,
    wrapped: Any,
    reference: PreTrainedModel | None,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[Encoded] | Sequence[EncodedPreference],
    seed: int,
    work: Path,
    progress: Progress,
) -> Any:
    """Train to the end, from the last whole checkpoint if there is one; the trainer's state."""
    from transformers import TrainerState

    from workbench.finetune.callbacks import Bar, Guard
    from workbench.finetune.trainers import build_trainer

    bar = Bar(progress, config.rl or "sft")
    trainer = build_trainer(
        config, wrapped, reference, tokenizer, encoded, [bar, Guard()], seed=seed, work=work
    )
    checkpoint = last_whole(work)
    if checkpoint:
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        if state.global_step >= state.max_steps:
            # Killed after the last step: transformers would make one step too many.
            wrapped.load_adapter(str(checkpoint), TRAINED, is_trainable=True)
            return state
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        bar.close()
        trainer.accelerator.free_memory()
    return trainer.state


def save_adapter(
    wrapped: Any, tokenizer: PreTrainedTokenizerBase, base_name: str, out: Path
) -> None:
    """Write adapter, tokenizer and chat template into ``out`` as PEFT and transformers do."""
    out.mkdir(parents=True, exist_ok=True)
    settings = wrapped.peft_config[TRAINED]
    settings.base_model_name_or_path = base_name
    wrapped.save_pretrained(str(out), save_embedding_layers=False)
    settings.base_model_name_or_path = ""
    (out / "README.md").unlink(missing_ok=True)  # PEFT's blank card; the store writes the real one
    tokenizer.save_pretrained(str(out))


def _try_save(
    wrapped: Any, tokenizer: PreTrainedTokenizerBase, base_name: str, out: Path, work: Path
) -> None:
    """Save and read back before the first step, and see that the disk will hold the checkpoints.

    What can fail at the final save fails here, in the first second.
    """
    from safetensors.torch import load_file

    trial = work / "trial"
    shutil.rmtree(trial, ignore_errors=True)
    try:
        save_adapter(wrapped, tokenizer, base_name, trial)
        saved = load_file(str(trial / "adapter_model.safetensors"))
        size = sum(p.stat().st_size for p in trial.rglob("*") if p.is_file())
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    expected = sum(p.numel() for p in wrapped.parameters() if p.requires_grad)
    if sum(tensor.numel() for tensor in saved.values()) != expected:
        raise step_failed(
            "a trial save before training lost some of the adapter's tensors",
            "PEFT cannot save this combination of model and adapter whole",
            "choose other lora_target_modules",
        )
    # Three checkpoints at a time (two kept, one being written) of weights and two moments each.
    there = sum(p.stat().st_size for p in work.rglob("*") if p.is_file())
    needed = max(9 * size - there, size)
    out.mkdir(parents=True, exist_ok=True)
    free = min(shutil.disk_usage(work).free, shutil.disk_usage(out).free)
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed:,} bytes needed, {free:,} free")


def public_name(name: str) -> str:
    """``name`` of a base as others can use it: of a path on this machine, its meaningful part.

    A folder in the Hugging Face cache becomes its hub id, any other absolute path its last part.
    """
    for part in Path(name).parts:
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return Path(name).name if name.startswith(("/", "~", ".")) or "\\" in name else name


def _masking(config: FinetuneConfig, model: PreTrainedModel) -> str:
    """What the record says of which tokens are learnt, and who sees whom."""
    kinds = {dataset.type for dataset in config.datasets}
    if config.rl is not None:
        learnt = "answers only"
    elif config.train_on_inputs or kinds == {"text"}:
        learnt = "all tokens"
    else:
        names = {
            "prompt_completion": "completions",
            "alpaca": "completions",
            "chat": "assistant turns",
            "sharegpt": "assistant turns",
            "text": "all tokens of texts",
        }
        learnt = ", ".join(sorted({names[kind] for kind in kinds})) + " only"
    if not config.sample_packing:
        return f"{learnt}; one example a sequence, padding left out"
    from workbench.finetune.packing import require_isolation

    require_isolation(model)
    return f"{learnt}; packed, and examples do not see each other (measured on this model)"


def _job(
    config: FinetuneConfig,
    seed: int,
    path: tuple[int, ...] | None,
    encoded: Sequence[Encoded] | Sequence[EncodedPreference],
) -> dict[str, object]:
    """What a checkpoint must have come from to be gone on with."""
    tokens = hashlib.sha256()
    for row in encoded:
        tokens.update(repr(row).encode())
    return {
        "version": STEP_VERSION,
        "config": json.loads(config.model_dump_json()),
        "seed": seed,
        "path": list(path) if path else None,
        "tokens": tokens.hexdigest(),
    }
