"""What a recipe may say, at its top."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from workbench.bases.config import BaseConfig
from workbench.evaluate.config import EvaluateConfig
from workbench.finetune.config import FinetuneConfig
from workbench.leaderboard.reproduce.config import ReproduceConfig
from workbench.merge.config import MergeConfig
from workbench.relayer.config import RelayerConfig
from workbench.scan.config import ScanConfig
from workbench.schema import Strict

OutputKind = Literal["finetune", "relayer", "merge", "scan"]
StepConfig = FinetuneConfig | RelayerConfig | MergeConfig | ScanConfig
KINDS: tuple[OutputKind, ...] = get_args(OutputKind)

#: numpy takes no larger seed, and lm-eval and mergekit hand ours to numpy.
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class OutputConfig(Strict):
    """One output: made by exactly one of the four steps."""

    finetune: FinetuneConfig | None = None
    relayer: RelayerConfig | None = None
    merge: MergeConfig | None = None
    scan: ScanConfig | None = None

    @model_validator(mode="after")
    def _one_step(self) -> OutputConfig:
        given = [kind for kind in KINDS if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(
                "an output is made by exactly one of finetune, relayer, merge and scan; "
                + (f"this one names {' and '.join(given)}" if given else "this one names none")
            )
        return self

    @property
    def kind(self) -> OutputKind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def step(self) -> StepConfig:
        """The config of the one step that is given."""
        step = self.finetune or self.relayer or self.merge or self.scan
        if step is None:
            raise ValueError("an output without a step passed validation")
        return step


class Recipe(Strict):
    """A recipe. Each trained output is made once for every seed.

    ``bases`` also holds, after loading, the bases that an output names by hub id, folder or
    ``tiny/NAME`` without declaring them. Every output is scored whether or not the recipe asks:
    with the suite ``quick`` where ``evaluate`` is left out; ``evaluate: null`` says not to.
    ``reproduces`` names published entries that outputs are held against; one may stand without
    the list.
    """

    name: str
    seeds: list[Seed] = Field(default_factory=lambda: [0], min_length=1)
    bases: dict[str, BaseConfig] = Field(default_factory=dict)
    outputs: dict[str, OutputConfig] = Field(default_factory=dict)
    evaluate: EvaluateConfig | None = Field(default_factory=lambda: EvaluateConfig(suite="quick"))
    reproduces: list[ReproduceConfig] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something_to_do(self) -> Recipe:
        if not self.outputs and not self.bases:
            raise ValueError("the recipe names no output and no base; nothing would be made")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is listed twice; each would make the same outputs again")
        return self
