"""What a recipe may say under ``finetune:``, in axolotl's names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from workbench.schema import Strict

#: Raised when the same config would give other weights: part of every output's key.
STEP_VERSION = 1

DatasetType = Literal["prompt_completion", "chat", "alpaca", "sharegpt", "text", "preference"]
Labels = Literal["given", "random", "format"]


class DatasetConfig(Strict):
    """One data set: a local .jsonl, .parquet or .csv file, or a hub id.

    ``preference`` rows (for DPO and ORPO) have ``prompt``, ``chosen`` and ``rejected``, each text
    or a list of messages. ``labels: random`` deals the answers out anew among the rows, and
    ``format`` keeps the form of each answer only (see :mod:`workbench.finetune.labels`).
    """

    path: str = Field(min_length=1)
    type: DatasetType
    split: str = "train"
    name: str | None = None
    revision: str | None = None
    labels: Labels = "given"

    @model_validator(mode="after")
    def _labels_to_change(self) -> DatasetConfig:
        if self.labels != "given" and self.type in ("text", "preference"):
            has = "no answers" if self.type == "text" else "two answers a row, a better and a worse"
            raise ValueError(
                f"labels: {self.labels} is for data with one answer a row; type: {self.type} has "
                f"{has}; remove labels, or use another type"
            )
        return self

    @model_serializer(mode="wrap")
    def _dump(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``labels`` where they are as given: the keys of outputs are older than it."""
        dump: dict[str, Any] = handler(self)
        if self.labels == "given":
            dump.pop("labels", None)
        return dump


class FinetuneConfig(Strict):
    """A LoRA fine-tune (SFT, DPO or ORPO) of ``base_model``, the name of a base or an output.

    ``lora_alpha`` left out is twice ``lora_r``. ``rl_beta`` is DPO's beta, or ORPO's lambda.
    ``lora_target_modules`` are the last parts of module names (``q_proj``); ``all-linear`` means
    every linear layer of the decoder. ``train_layers`` are positions in the parent's layer path,
    or ``seam``: the layers on either side of each of its seams. ``chat_template`` is Jinja text or
    a file's path. ``eos_token`` names the token that ends an answer where the tokenizer's own does
    not (many bases end turns with ``<|im_end|>`` but stop only at ``<|endoftext|>``).
    ``max_steps`` overrides ``num_epochs``.
    """

    base_model: str = Field(min_length=1)
    adapter: Literal["lora"] = "lora"
    rl: Literal["dpo", "orpo"] | None = None
    rl_beta: Annotated[float, Field(gt=0)] = 0.1
    datasets: Annotated[list[DatasetConfig], Field(min_length=1)]

    lora_r: Annotated[int, Field(ge=1, le=4096)] = 16
    lora_alpha: Annotated[float, Field(gt=0)] | None = None
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    lora_target_modules: list[str] | Literal["all-linear"] = "all-linear"
    peft_use_rslora: bool = False
    peft_use_dora: bool = False
    train_layers: Literal["all", "seam"] | list[Annotated[int, Field(ge=0)]] = "all"

    sequence_len: Annotated[int, Field(ge=8)] = 2048
    sample_packing: bool = False
    train_on_inputs: bool = False
    chat_template: str | None = None
    eos_token: str | None = None

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2.0e-4
    lr_scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "cosine"
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    optimizer: Literal["adamw_torch_fused", "adamw_torch", "adamw_8bit", "paged_adamw_8bit"] = (
        "adamw_torch_fused"
    )
    num_epochs: Annotated[float, Field(gt=0)] = 1.0
    max_steps: Annotated[int, Field(ge=1)] | None = None
    micro_batch_size: Annotated[int, Field(ge=1)] = 8
    gradient_accumulation_steps: Annotated[int, Field(ge=1)] = 1
    gradient_checkpointing: bool = False
    logging_steps: Annotated[int, Field(ge=1)] = 5
    save_steps: Annotated[int, Field(ge=1)] = 50

    @model_validator(mode="after")
    def _data_fit_the_method(self) -> FinetuneConfig:
        for dataset in self.datasets:
            if (dataset.type == "preference") != (self.rl is not None):
                raise ValueError(
                    f"data of type {dataset.type} cannot train "
                    + (
                        f"rl: {self.rl}; use type: preference"
                        if self.rl
                        else "plain SFT; add rl: dpo or rl: orpo"
                    )
                )
        return self

    @model_validator(mode="after")
    def _settings_fit_the_method(self) -> FinetuneConfig:
        if self.rl is not None:
            for setting in ("sample_packing", "train_on_inputs"):
                if getattr(self, setting):
                    raise ValueError(
                        f"{setting}: true has no meaning with rl: {self.rl}; remove it"
                    )
        if self.lora_target_modules == []:
            raise ValueError("lora_target_modules is empty; name modules, or use all-linear")
        if self.train_layers == []:
            raise ValueError("train_layers is empty; name positions, or use all")
        return self
