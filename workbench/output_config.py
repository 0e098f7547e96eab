"""What a recipe may say of one output: which of the four steps makes it, and how."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import model_validator

from workbench.finetune.config import FinetuneConfig
from workbench.merge.config import MergeConfig
from workbench.relayer.config import RelayerConfig
from workbench.scan.config import ScanConfig
from workbench.schema import Strict

OutputKind = Literal["finetune", "relayer", "merge", "scan"]
StepConfig = FinetuneConfig | RelayerConfig | MergeConfig | ScanConfig
KINDS: tuple[OutputKind, ...] = get_args(OutputKind)


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
