"""What a recipe may say under ``reproduces:``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.schema import Strict

#: In points, for a suite that has them; in the score's own unit (0 to 1) for all others.
MARGIN_POINTS = 3.0
MARGIN_SCORE = 0.03
#: Held against 19 commits that the Open LLM Leaderboard's table of October 2024 lists twice, scored
#: in float16 and in bfloat16: 104 of their 114 differences lie within the 90% interval that 5%
#: gives. Benchmark by benchmark the share is smaller (0.01 to 0.03), and larger on IFEval (0.12),
#: where a token that turns over changes all that follows.
FLIPS = 0.05


class ReproduceConfig(Strict):
    """A published entry that an output is held against.

    ``snapshot`` is the table it stands in: one entry has other figures in another. ``output`` is
    the output or base that should reproduce it; without it, the recipe's only one. ``margin`` is
    the largest difference that still counts as the same, in points, or in the score's own unit
    where the suite has no points. ``flips`` is the share of items that two runs of the same
    weights answer differently because of hardware, batch size and library versions.
    """

    entry: str = Field(min_length=1)
    snapshot: str = Field(min_length=1)
    output: str | None = Field(default=None, min_length=1)
    margin: Annotated[float, Field(gt=0)] | None = None
    flips: Annotated[float, Field(ge=0, lt=1)] = FLIPS
