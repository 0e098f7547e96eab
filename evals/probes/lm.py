"""lm: how likely a model finds given texts, or given answers to given prompts.

Teacher-forced: one forward pass an item, no generation. ``file`` is one JSON object a line, either
``{"text": …}``, all of which is scored, or ``{"prompt": …, "answer": …}``, of which the answer is.
Without one, short texts written by this project are used. A text's first token is predicted from
BOS (EOS where there is none), as lm-eval does. A text never goes through the chat template; a
prompt does, where the scan asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, halved, read_rows
from workbench.scan.probes.readings import continuation_reading, total
from workbench.scan.schedule.request import Reading, Reply
from workbench.schema import Strict


class Row(Strict):
    """A text, or a prompt and its answer."""

    text: str | None = None
    prompt: str | None = None
    answer: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Row:
        pair = self.prompt is not None and self.answer is not None
        lone = self.prompt is not None or self.answer is not None
        if (self.text is not None) == lone or lone != pair:
            raise ValueError("give either text, or prompt and answer")
        if not (self.text or self.answer):
            raise ValueError("there is nothing to score: the text or answer is empty")
        return self


def probe(
    file: Path | None = None,
    primary: Literal["logprob_per_token", "logprob_per_byte"] = "logprob_per_token",
) -> Likelihood:
    """``file``: texts of your own. ``primary``: the metric that the search goes by."""
    return Likelihood(file or Path(__file__).with_suffix(".jsonl"), primary)


class Likelihood:
    """Mean log-likelihood (nats) of an item's tokens, and the same sum over its UTF-8 bytes."""

    needs_generation = False
    floors: Mapping[str, float] = {}

    def __init__(self, file: Path, primary: str) -> None:
        names = ("logprob_per_token", "logprob_per_byte")
        self.metrics = (primary, *(name for name in names if name != primary))
        self._items = [
            Item(f"line {number}", row.prompt or "", row.text or row.answer or "")
            for number, row in read_rows(file, Row)
        ]

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        return halved(self._items, count, seed=seed, split=split)

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        if item.prompt:
            pair = encoder.answer(encoder.framed(item.prompt, cue=""), item.answer)
        else:
            pair = encoder.pair("", item.answer)
        return [continuation_reading(*pair)]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        likelihood = total(replies[0])
        return {
            "logprob_per_token": likelihood / len(replies[0].logprobs),
            "logprob_per_byte": likelihood / len(item.answer.encode()),
        }
