"""hops: where a walk through 16 places ends, the question that the planted bases are made for.

``C413=H``: map 4, then 1, then 3, lead from C to H. The maps are in the weights of ``tiny/planted``
and ``tiny/planted-none`` alone; any other model is at the floor. Items are walks that neither was
trained on, as many of each length in ``hops``; each split has about 170 of three hops, 690 of
four, and four times as many for each further one.

``ask``: ``likelihood`` takes the likeliest of the 16 places in a forward pass, ``choice`` the
likeliest of four, ``guess`` generates. The floor is
a blind pick: 1 over the number of places, or of options.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from workbench.bases.tiny import hops_data
from workbench.errors import user_error
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split, halved
from workbench.scan.schedule.request import Generation, Reading, Reply

N_OPTIONS = 4

Hops = Annotated[Sequence[Annotated[int, Field(ge=hops_data.LONG, le=8)]], Field(min_length=1)]


def probe(
    ask: Literal["likelihood", "choice", "guess"] = "likelihood", hops: Hops = hops_data.ASKED
) -> Likelihood | Choice | Guess:
    """``ask``: how the end of a walk is asked for. ``hops``: the lengths of the walks."""
    lengths = tuple(dict.fromkeys(hops))
    if ask == "guess":
        return Guess(lengths)
    return Choice(lengths) if ask == "choice" else Likelihood(lengths)


class _Walks:
    """Held-out walks, the lengths in turn. An item's answer is the place where its walk ends."""

    def __init__(self, hops: tuple[int, ...]) -> None:
        self.hops = hops

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        each = -(-count // len(self.hops))
        halves = [
            halved(hops_data.held_out_walks(length, "probe"), each, seed=seed, split=split)
            for length in self.hops
        ]
        walks = [walk for turn in zip(*halves, strict=False) for walk in turn]
        return [
            Item("".join(walk), hops_data.prompt(walk), hops_data.end(walk))
            for walk in walks[:count]
        ]


class Likelihood(_Walks):
    """Is the right place the likeliest of all, and its log-probability (nats) in the vocabulary."""

    needs_generation = False
    metrics = ("accuracy", "logprob")
    floors: Mapping[str, float] = {"accuracy": 1 / len(hops_data.PLACES)}

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        return [_reading(encoder, item, hops_data.PLACES)]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        logprobs = replies[0].logprobs[0]
        return _scores(logprobs, hops_data.PLACES.index(item.answer), logprobs, "logprob")


class Choice(_Walks):
    """Is the right place the likeliest of four, and its log-probability (nats) among these."""

    needs_generation = False
    metrics = ("accuracy", "logprob_of_options")
    floors: Mapping[str, float] = {
        "accuracy": 1 / N_OPTIONS,
        "logprob_of_options": -math.log(N_OPTIONS),
    }

    def ask(self, item: Item, encoder: Encoder) -> list[Reading]:
        return [_reading(encoder, item, options(item))]

    def score(self, item: Item, replies: Sequence[Reply]) -> dict[str, float]:
        logprobs = replies[0].logprobs[0]
        top = max(logprobs)
        whole = top + math.log(math.fsum(math.exp(value - top) for value in logprobs))
        shares = [value - whole for value in logprobs]
        right = options(item).index(item.answer)
        return _scores(logprobs, right, shares, "logprob_of_options")


class Guess(_Walks):
    """Generated: does the answer start with the right place?"""

    needs_generation = True
    metrics = ("accuracy",)
    floors: Mapping[str, float] = {"accuracy": 1 / len(hops_data.PLACES)}

    def ask(self, item: Item, encoder: Encoder) -> Generation:
        return Generation(encoder.encode(_framed(encoder, item)), 4, encoder.stop_ids)

    def score(self, item: Item, replies: str) -> dict[str, float]:
        return {"accuracy": float(replies.strip() == item.answer)}


def options(item: Item) -> str:
    """The right place and others, in an order that is the item's own."""
    draw = random.Random(f"options {item.id}")
    others = [place for place in hops_data.PLACES if place != item.answer]
    return "".join(draw.sample([item.answer, *draw.sample(others, N_OPTIONS - 1)], N_OPTIONS))


def _framed(encoder: Encoder, item: Item) -> str:
    return encoder.framed(item.prompt, cue="")


def _reading(encoder: Encoder, item: Item, places: str) -> Reading:
    """The log-probability of every one of ``places`` right after the walk, with no space between.

    Raises:
        UserError: the tokenizer does not write the places as single tokens there.
    """
    framed = _framed(encoder, item)
    asked = encoder.encode(framed)
    whole = [encoder.encode(framed + place) for place in places]
    if any(len(ids) != len(asked) + 1 or ids[:-1] != asked for ids in whole):
        raise user_error(
            f"this tokenizer does not write {places} as single tokens after {item.prompt!r}",
            "the end of a walk is read from the probabilities of the places",
            "ask: guess needs no such tokens; no model but the planted bases knows the walks",
        )
    return Reading(asked, (len(asked) - 1,), (tuple(ids[-1] for ids in whole),))


def _scores(
    logprobs: Sequence[float], right: int, shown: Sequence[float], name: str
) -> dict[str, float]:
    if math.isnan(math.fsum(logprobs)):
        return {"accuracy": math.nan, name: math.nan}
    others = max(value for at, value in enumerate(logprobs) if at != right)
    return {"accuracy": float(logprobs[right] > others), name: shown[right]}
