"""What a recipe may say of a base."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workbench.schema import Strict

DType = Literal["auto", "float32", "bfloat16", "float16"]


class BaseConfig(Strict):
    """A pretrained model to start from.

    ``base_model`` is a hub id, a local folder or ``tiny/NAME``. Quantisation belongs to the base,
    so that everything made from it trains and is scored at the same precision.
    """

    base_model: str = Field(min_length=1)
    revision: str | None = None
    dtype: DType = "auto"
    load_in_4bit: bool = False
    load_in_8bit: bool = False
    trust_remote_code: bool = False
    chat_template: str | None = None

    @model_validator(mode="after")
    def _one_quantisation(self) -> BaseConfig:
        if self.load_in_4bit and self.load_in_8bit:
            raise ValueError("load_in_4bit and load_in_8bit exclude each other; keep one")
        return self
