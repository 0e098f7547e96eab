"""What a recipe may say, at its top."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from workbench.bases.config import BaseConfig
from workbench.evaluate.config import EvaluateConfig
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.output_config import KINDS, OutputConfig, OutputKind, StepConfig
from workbench.schema import Strict
from workbench.study.design.config import StudyConfig

__all__ = ["KINDS", "OutputConfig", "OutputKind", "Recipe", "Seed", "StepConfig"]

#: numpy takes no larger seed, and lm-eval and mergekit hand ours to numpy.
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Recipe(Strict):
    """A recipe. Each trained output is made once for every seed.

    ``bases`` also holds, after loading, the bases that an output names by hub id, folder or
    ``tiny/NAME`` without declaring them. Every output is scored whether or not the recipe asks:
    with the suite ``quick`` where ``evaluate`` is left out; ``evaluate: null`` says not to.
    ``reproduces`` names published entries that outputs are held against; one may stand without
    the list. A ``study`` makes outputs of its own, which ``outputs`` also holds after loading.
    """

    name: str
    seeds: list[Seed] = Field(default_factory=lambda: [0], min_length=1)
    bases: dict[str, BaseConfig] = Field(default_factory=dict)
    outputs: dict[str, OutputConfig] = Field(default_factory=dict)
    study: StudyConfig | None = None
    evaluate: EvaluateConfig | None = Field(default_factory=lambda: EvaluateConfig(suite="quick"))
    reproduces: list[ReproduceConfig] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something_to_do(self) -> Recipe:
        if not self.outputs and not self.bases:
            raise ValueError("the recipe names no output and no base; nothing would be made")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is listed twice; each would make the same outputs again")
        return self
