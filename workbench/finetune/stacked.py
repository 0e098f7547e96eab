"""A PEFT model whose base may carry adapters of earlier steps."""

from __future__ import annotations

from typing import Any

import torch
from peft import PeftModelForCausalLM


class StackedModel(PeftModelForCausalLM):
    """Saves the newest adapter alone.

    PEFT tells adapters apart by the configurations it was given; it knows only the newest one's
    here, and would save the tensors of the others with it.
    """

    def save_pretrained(
        self,
        save_directory: str,
        *args: Any,
        state_dict: dict[str, torch.Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        """PEFT's ``save_pretrained`` with the active adapter's tensors only."""
        mark = f".{self.active_adapter}"
        tensors = {
            name: tensor
            for name, tensor in (state_dict or self.state_dict()).items()
            if "lora_" in name and (f"{mark}." in name or name.endswith(mark))
        }
        super().save_pretrained(save_directory, *args, state_dict=tensors, **kwargs)
