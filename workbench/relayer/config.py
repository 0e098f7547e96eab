"""What a recipe may say under ``relayer:``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from workbench.schema import Strict

STEP_VERSION = 1

Index = Annotated[int, Field(ge=0)]


class RelayerConfig(Strict):
    """A layer path over ``model``, the name of a base or an output, given in one of four ways.

    ``blocks: [[i, j], ...]`` runs layers i..j-1 twice (David Ng's (i, j)); ``layers`` is the path
    itself; ``layer_map`` is ExLlamaV3's text form with inclusive ends (``0..5,3..7``);
    ``drop: [[i, j], ...]`` leaves layers i..j-1 out and may stand alone or beside ``blocks``.
    """

    model: str = Field(min_length=1)
    blocks: list[Annotated[list[Index], Field(min_length=2, max_length=2)]] | None = None
    drop: list[Annotated[list[Index], Field(min_length=2, max_length=2)]] | None = None
    layers: Annotated[list[Index], Field(min_length=1)] | None = None
    layer_map: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> RelayerConfig:
        ways = [
            self.layers is not None,
            self.layer_map is not None,
            self.blocks is not None or self.drop is not None,
        ]
        if sum(ways) != 1:
            raise ValueError("give the path one way: blocks and/or drop, or layers, or layer_map")
        return self
