"""emotion: how strongly someone in a scene feels something, from 0 to 9, in the manner of EQ-Bench.

The scenes and their ratings were written by this project. They are not EQ-Bench's, and have not
been calibrated on people: they serve to compare layer paths of one model with each other, not to
rank models. EQ-Bench itself is ``task:eq_bench``.

Each of a scene's four feelings is one question for a forward pass; the four share the scene as
their prefix. The answer is the expected digit, as in logit-rating. ``closeness`` is 1 - the mean
|expected - rating| / 9 over the four; ``order`` the agreement of the four's order with ours:
(concordant - discordant) / pairs of unlike ratings, from -1 to 1.

The floors are those of one answer for everything: the median rating, and no order at all. They are
computed over all scenes. Half of the scenes are for the search, half held out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean, median
from typing import Annotated

from pydantic import Field

from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, halved, read_rows
from workbench.scan.probes.readings import expected_digit, rating_reading
from workbench.scan.schedule.request import Reading, Reply
from workbench.schema import Strict

Intensity = Annotated[int, Field(ge=0, le=9)]


class Scene(Strict):
    """A scene, whose feelings are asked for, and how strong we find each of four."""

    id: str = Field(min_length=1)
    scene: str = Field(min_length=1)
    who: str = Field(min_length=1)
    feelings: Annotated[dict[str, Intensity], Field(min_length=4, max_length=4)]


def probe() -> Emotion:
    """The scenes beside this file."""
    return Emotion(Path(__file__).with_suffix(".jsonl"))


class Emotion:
    """Expected intensities against ours. An item's answer: who, and the four feelings' ratings."""

    needs_generation = False
    metrics = ("closeness", "order")

    def __init__(self, file: Path) -> None:
        scenes = [scene for _, scene in read_rows(file, Scene)]
        self._items = [Item(s.id, s.scene, (s.who, s.feelings)) for s in scenes]
        ratings = [rating for scene in scenes for rating in scene.feelings.values()]
        middle = median(ratings)
        constant = fmean(1 - abs(middle - rating) / 9 for rating in ratings)
        self.floors: Mapping[str, float] = {"closeness": constant, "order": 0.0}

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        return halved(self._items, count, seed=seed, split=split)

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        who, feelings = item.answer
        return [
            rating_reading(encoder, encoder.framed(f"{item.prompt}\n\n{question(who, feeling)}"))
            for feeling in feelings
        ]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        _, feelings = item.answer
        ratings = list(feelings.values())
        expected = [expected_digit(reply.logprobs[0])[0] for reply in replies]
        if math.isnan(sum(expected)):
            return dict.fromkeys(self.metrics, math.nan)
        gaps = [abs(e - rating) for e, rating in zip(expected, ratings, strict=True)]
        return {"closeness": 1 - fmean(gaps) / 9, "order": _order(expected, ratings)}


def question(who: str, feeling: str) -> str:
    """What is asked of a scene."""
    return (
        f"On a scale from 0 (not at all) to 9 (as strongly as anyone can), how strongly does {who} "
        f"feel {feeling} at the end of this scene? Answer with one digit from 0 to 9."
    )


def _order(expected: Sequence[float], ratings: Sequence[int]) -> float:
    signs = [
        math.copysign(1.0, (e1 - e2) * (r1 - r2)) if e1 != e2 else 0.0
        for (e1, r1), (e2, r2) in combinations(zip(expected, ratings, strict=True), 2)
        if r1 != r2
    ]
    return fmean(signs) if signs else 0.0
