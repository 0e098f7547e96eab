"""What a recipe may say under ``evaluate:``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.schema import Strict

#: Raised when the same suite and weights would give other scores: part of every evaluation's key.
STEP_VERSION = 2

#: How the error of a comparison that is looked at several times is shared out over the looks.
Spending = Literal["obrien-fleming", "pocock"]


class SequentialConfig(Strict):
    """Scoring in looks at a growing sample, until the comparison with the parent is clear.

    ``alpha`` is the error that all looks together may make; ``margin``, in score units, is the
    difference below which two models count as equivalent: without one, scoring ends early only
    where an output is better or worse.
    """

    looks: Annotated[int, Field(ge=2, le=20)] = 5
    alpha: Annotated[float, Field(ge=0.001, le=0.2)] = 0.05
    spending: Spending = "obrien-fleming"
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None


class EvaluateConfig(Strict):
    """How every output and every base of the recipe is scored.

    ``suite`` is the name of a file in ``evals/suites/`` or a path to one. What is given here
    overrides the suite's own setting, for all outputs alike. With ``apply_chat_template: both``
    each is scored twice, without its chat template and with it.

    ``limit`` is a number of items for each entry of the suite, of each stratum in proportion, the
    same items for every model. With ``parents_whole`` the bases are scored on all items all the
    same, which tells how hard the sample is, and so what the outputs would score on all.
    """

    suite: str = Field(min_length=1)
    limit: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    apply_chat_template: bool | Literal["both"] | None = None
    #: numpy, which lm-eval seeds with it, takes no larger one.
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    parents_whole: bool = False
    #: Tasks such as HumanEval run the programs that a model writes: only where this allows it.
    run_code: bool = False
    sequential: SequentialConfig | None = None
