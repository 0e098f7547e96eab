"""A fine-tune's settings in transformers' words: the arguments every TRL trainer shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.finetune.config import FinetuneConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def precision(model: PreTrainedModel) -> dict[str, bool]:
    """Automatic mixed precision where the machine has it: bf16 on newer GPUs, fp16 on older.

    On a CPU nothing is cast. A float32 base on a GPU keeps float32, as its recipe asked for.
    """
    import torch

    if model.device.type != "cuda":
        return {"bf16": False, "fp16": False}
    quantised = getattr(model, "is_loaded_in_4bit", False) or getattr(
        model, "is_loaded_in_8bit", False
    )
    if model.dtype == torch.float32 and not quantised:
        return {"bf16": False, "fp16": False}
    bf16 = torch.cuda.is_bf16_supported()
    return {"bf16": bf16, "fp16": not bf16}


def shared_arguments(
    config: FinetuneConfig, model: PreTrainedModel, seed: int, work: Path
) -> dict[str, Any]:
    """Keyword arguments of ``SFTConfig``, ``DPOConfig`` and ``ORPOConfig`` alike."""
    on_cpu = model.device.type == "cpu"
    return {
        "output_dir": str(work),
        "per_device_train_batch_size": config.micro_batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation_steps,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.lr_scheduler,
        "warmup_steps": config.warmup_ratio,  # below 1 it is a share of all steps
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "optim": config.optimizer,
        "num_train_epochs": config.num_epochs,
        "max_steps": config.max_steps or -1,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "logging_steps": config.logging_steps,
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        # Two: while the newest is being written, the one before it must still be there.
        "save_total_limit": 2,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
        "report_to": "none",
        "disable_tqdm": True,
        **precision(model),
    }
