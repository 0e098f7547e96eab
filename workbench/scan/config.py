"""What a recipe may say under ``scan:``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from workbench.schema import Strict

STEP_VERSION = 1

#: Fields that change how a scan is run and nothing that it finds.
HOW = ("memory_gib", "streamed", "workers")

Count = Annotated[int, Field(ge=1)]


class ProbeConfig(Strict):
    """One probe: a name in ``evals/probes``, a ``.py`` file, or ``task:NAME`` for an lm-eval task.

    ``items`` are searched on, ``held_out`` others judge the winners; ``options`` go to the probe.
    ``label`` is what results call it, where one probe is asked in two ways.
    """

    name: str = Field(min_length=1)
    label: Annotated[str, Field(min_length=1)] | None = None
    items: Annotated[int, Field(ge=2)] = 64
    held_out: Annotated[int, Field(ge=0)] = 256
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def called(self) -> str:
        """What results call it."""
        return self.label or self.name


class BlocksConfig(Strict):
    """Every block (i, j), or those that add ``max_extra`` layers at most."""

    max_extra: Count | None = None


class RepeatsConfig(Strict):
    """Every single layer run ``times`` times in a row."""

    times: Annotated[list[Annotated[int, Field(ge=2, le=64)]], Field(min_length=1)] = Field(
        default_factory=lambda: [2, 3, 4, 5, 6, 7, 8]
    )


class BeamConfig(Strict):
    """Paths of up to ``blocks`` blocks, the best ``width`` extended at each step.

    ``choices`` single blocks, the best of those measured, are what a path is extended with.
    """

    width: Count = 8
    blocks: Annotated[int, Field(ge=2, le=8)] = 3
    choices: Count = 24
    max_extra: Count | None = None


class SurrogateConfig(Strict):
    """Boosted trees learn the paths measured so far, rank ``candidates``; the top is measured."""

    candidates: Annotated[int, Field(ge=1, le=20_000_000)] = 1_000_000
    measure: Count = 64
    rounds: Annotated[int, Field(ge=1, le=20)] = 2
    max_extra: Count | None = None


class SearchConfig(Strict):
    """Which paths are measured; each search starts from what the ones before it found."""

    blocks: BlocksConfig | None = Field(default_factory=BlocksConfig)
    repeats: RepeatsConfig | None = None
    beam: BeamConfig | None = None
    surrogate: SurrogateConfig | None = None

    @model_validator(mode="after")
    def _starts_somewhere(self) -> SearchConfig:
        if self.blocks is None and (self.beam is not None or self.surrogate is not None):
            raise ValueError("beam and surrogate start from measured blocks; leave blocks in")
        if self.blocks is None and self.repeats is None:
            raise ValueError("nothing to search: give blocks, repeats, or both")
        return self


class RacingConfig(Strict):
    """Successive halving: after each rung, paths that are almost surely behind are dropped.

    The first rung measures ``first`` of the items, each rung twice the last. A path is dropped when
    the upper end of its paired interval (at ``confidence``) lies below the lower end of the best
    path's, or when more than ``keep`` of the paths would go on.
    """

    first: Annotated[int, Field(ge=2)] = 8
    keep: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.99


class ScanConfig(Strict):
    """A scan over the layer paths of ``model``, the name of a base or an output.

    ``memory_gib`` bounds what the scan holds beside the weights. ``streamed`` reads the layers from
    disk one at a time, for a model larger than memory; ``workers`` is how many processes share the
    work, each with the model on its own GPU or its share of the cores.
    """

    model: str = Field(min_length=1)
    probes: Annotated[list[ProbeConfig], Field(min_length=1)] = Field(
        default_factory=lambda: [ProbeConfig(name="math-guess"), ProbeConfig(name="emotion")]
    )
    search: SearchConfig = Field(default_factory=SearchConfig)
    racing: RacingConfig | None = None
    winners: Count = 8
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    chat: bool = True
    anatomy: bool = True
    memory_gib: Annotated[float, Field(gt=0.0)] = 4.0
    streamed: bool = False
    workers: Annotated[int, Field(ge=1, le=64)] = 1

    @field_validator("probes")
    @classmethod
    def _named_once(cls, probes: list[ProbeConfig]) -> list[ProbeConfig]:
        names = [probe.called for probe in probes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"a probe is listed twice: {', '.join(twice)}; give each a label")
        return probes
