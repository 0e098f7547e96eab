"""TRL's trainers fed with the token ids made here, so that all three see the same templates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from workbench.finetune.arguments import shared_arguments
from workbench.finetune.config import FinetuneConfig
from workbench.finetune.encode import IGNORED, Encoded, EncodedPreference

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class _NoCard:
    """A checkpoint needs no model card; writing one takes longer than a small step."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        return None


class SFT(_NoCard, SFTTrainer):
    """TRL's SFT trainer; data with ``input_ids`` and ``labels`` are taken as they are."""


class DPO(_NoCard, DPOTrainer):
    """TRL's DPO trainer over prompts and answers that are token ids already."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        return dataset


class ORPO(_NoCard, ORPOTrainer):
    """TRL's ORPO trainer over sequences that are token ids already."""

    def tokenize_row(self, feature: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """The row itself: it is tokenised."""
        return feature


def build_trainer(
    config: FinetuneConfig,
    model: PeftModel,
    reference: PreTrainedModel | None,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[Encoded] | Sequence[EncodedPreference],
    callbacks: list[TrainerCallback],
    *,
    seed: int,
    work: Path,
) -> SFT | DPO | ORPO:
    """The TRL trainer for ``config`` over ``encoded`` data, ready to ``train()``.

    ``reference`` is the parent as it was before the new adapter, for DPO; it shares the model's
    tensors. TRL's own way, switching adapters off, would lose the adapters of earlier steps.
    """
    rows: list[Any] = list(encoded)
    arguments = shared_arguments(config, model, seed, work)
    common = {"model": model, "processing_class": tokenizer, "callbacks": callbacks}
    trainer: SFT | DPO | ORPO
    if config.rl is None:
        trainer = SFT(
            args=SFTConfig(
                max_length=config.sequence_len if config.sample_packing else None,
                packing=config.sample_packing,
                **arguments,
            ),
            train_dataset=Dataset.from_dict(
                {
                    "input_ids": [row.input_ids for row in rows],
                    "labels": [row.labels for row in rows],
                }
            ),
            **common,
        )
    elif config.rl == "dpo":
        trainer = DPO(
            ref_model=reference,
            args=DPOConfig(
                beta=config.rl_beta,
                max_length=None,
                disable_dropout=not config.lora_dropout,
                **arguments,
            ),
            train_dataset=Dataset.from_dict(
                {
                    "prompt_ids": [row.prompt_ids for row in rows],
                    "chosen_ids": [row.chosen_ids for row in rows],
                    "rejected_ids": [row.rejected_ids for row in rows],
                }
            ),
            **common,
        )
    else:
        trainer = ORPO(
            args=ORPOConfig(
                beta=config.rl_beta,
                max_length=config.sequence_len,
                disable_dropout=not config.lora_dropout,
                remove_unused_columns=False,
                **arguments,
            ),
            train_dataset=Dataset.from_dict(_orpo_columns(rows)),
            **common,
        )
    trainer.remove_callback(PrinterCallback)
    for parameter in model.parameters():
        if parameter.requires_grad:
            # TRL casts the adapter of a quantised base to bfloat16, in which small updates vanish.
            parameter.data = parameter.data.float()
    return trainer


def _orpo_columns(rows: Sequence[EncodedPreference]) -> dict[str, list[list[int]]]:
    columns: dict[str, list[list[int]]] = {}
    for row in rows:
        for name, answer in (("chosen", row.chosen_ids), ("rejected", row.rejected_ids)):
            ids = row.prompt_ids + answer
            for key, value in (
                ("input_ids", ids),
                ("attention_mask", [1] * len(ids)),
                ("labels", [IGNORED] * len(row.prompt_ids) + answer),
            ):
                columns.setdefault(f"{name}_{key}", []).append(value)
    return columns
