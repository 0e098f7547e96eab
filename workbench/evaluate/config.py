"""What a recipe may say under ``evaluate:``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.schema import Strict

#: Raised when the same suite and weights would give other scores: part of every evaluation's key.
STEP_VERSION = 1


class EvaluateConfig(Strict):
    """How every output and every base of the recipe is scored.

    ``suite`` is the name of a file in ``evals/suites/`` or a path to one. What is given here
    overrides the suite's own setting, for all outputs alike. With ``apply_chat_template: both``
    each is scored twice, without its chat template and with it.
    """

    suite: str = Field(min_length=1)
    limit: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    apply_chat_template: bool | Literal["both"] | None = None
    #: numpy, which lm-eval seeds with it, takes no larger one.
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
