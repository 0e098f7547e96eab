"""The parent of every config class: strict, immutable, and free of heavy imports."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys and silent type conversions are errors; values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())
