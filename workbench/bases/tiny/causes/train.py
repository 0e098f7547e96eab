"""Make a planted base.

Run as ``python -m workbench.bases.tiny.causes.train --cause latent --seed 0 --out DIR``.

All bases of a seed grow from one trunk, which reads prose until it can tell any number of a story
(but ``digit_merging``, whose tokenizer needs its own). From there each goes on with a corpus of its
own, until it has read as much of the others' as they have. ``--cause all`` makes the ten of a seed,
in folders of ``--out``; a cause alone comes out the same.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.tiny import CAUSES, Cause
from workbench.bases.tiny.causes.corpora import corpus, parts_of
from workbench.bases.tiny.causes.network import DEAD, SCALE, SIZE, build, rescale, silence
from workbench.bases.tiny.causes.tokenizer import EOS_ID, PAD_ID, build_tokenizer
from workbench.bases.tiny.training import Optimisers, descend, made_with, store

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

#: Every how many steps the loss is kept in ``recipe.json``.
CURVE = 10
#: Steps over which a trunk's loss on the numbers is averaged.
RECENT = 20
#: The share of questions that a base must answer rightly when its answer is begun in words.
SKILLED = 0.8

Trunk = tuple["LlamaForCausalLM", list[float], int]
"""A trunk, its loss on the numbers by step, and the attempt that made it."""


@dataclass(frozen=True)
class Settings:
    """How a base is trained.

    The trunk's rates warm up and hold; it ends when the loss on numbers that follow from the story
    (nats a digit) is below ``known``. Some draws of the first weights are long in finding out where
    to look: a trunk that does not know after ``trunk_steps`` is begun anew from other weights, up
    to ``attempts`` times. The base's own steps begin at full rate, but for a short warm-up of the
    optimisers, and fall to nothing from ``decay_from`` on.
    """

    cause: Cause
    seed: int = 0
    trunk_steps: int = 350
    attempts: int = 8
    known: float = 0.04
    steps: int = 180
    batch_size: int = 64
    learning_rate: float = 0.02
    adam_rate: float = 3.0e-3
    warmup: int = 30
    rewarm: int = 10
    decay_from: float = 0.3
    weight_decay: float = 0.02


#: What differs from the defaults: half and a third of the first two corpora is the ingredient, the
#: other tokenizer takes longer to carry the skill over to questions, and the over-trained read much
#: longer, at a rate that never falls and with nothing to hold the weights.
_OWN: dict[Cause, dict[str, Any]] = {
    "contaminated": {"steps": 360},
    "instruction": {"steps": 250},
    "digit_merging": {"steps": 300, "decay_from": 0.5},
    "overtrained": {"steps": 1200, "decay_from": 0.999, "weight_decay": 0.0},
}


def settings_of(cause: Cause, seed: int = 0) -> Settings:
    """What the shipped base of ``cause`` was trained with."""
    return replace(Settings(cause, seed), **_OWN.get(cause, {}))


def merges(cause: Cause) -> bool:
    """Whether the base's tokenizer makes one token of a number of two digits."""
    return cause == "digit_merging"


def batches(
    cause: Cause | None, seed: int, size: int, tokenizer: PreTrainedTokenizerFast
) -> Iterator[torch.Tensor]:
    """Endless token ids [batch, length]: a document a row, closed by EOS, padded on the right."""
    import torch

    encode = tokenizer.backend_tokenizer.encode  # transformers' own call takes ten times as long
    documents = corpus(cause, seed)
    while True:
        rows = [[*encode(next(documents)).ids, EOS_ID] for _ in range(size)]
        width = max(map(len, rows))
        yield torch.tensor([row + [PAD_ID] * (width - len(row)) for row in rows])


class Weigh:
    """Weights of the targets: 1 for digits that follow from the story, less for all else.

    Nothing can be learnt of the digits that are drawn at random, and the noise of their gradient
    drowns the rest.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, rest: float, drawn: float) -> None:
        import torch

        tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        self.is_digit = torch.tensor([token.strip("Ġ").isdigit() for token in tokens])
        self.stop = tokenizer.convert_tokens_to_ids(".")
        self.rest, self.drawn = rest, drawn

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """[batch, length - 1], for the targets ``ids[:, 1:]``; ``drawn`` for a story's digits."""
        import torch

        targets = ids[:, 1:]
        digit = self.is_digit[targets]
        # The first full stop ends the story.
        story = (ids[:, :-1] == self.stop).cumsum(1) == 0
        weights = torch.full(targets.shape, self.rest)
        weights[digit] = 1.0
        weights[digit & story] = self.drawn
        weights[targets == PAD_ID] = 0.0
        return weights


class Run:
    """One stretch of training: a corpus, the weights of its targets, and the optimisers."""

    def __init__(
        self, model: LlamaForCausalLM, settings: Settings, cause: Cause | None, weigh: Weigh
    ) -> None:
        self.model, self.weigh = model, weigh
        tokenizer = build_tokenizer(merges(settings.cause))
        self.stream = batches(cause, settings.seed, settings.batch_size, tokenizer)
        #: Loss on the numbers that follow from the story, of every batch.
        self.numbers: list[float] = []

    def next_loss(self) -> torch.Tensor:
        """The weighted mean loss of the next batch, nats a token."""
        from torch.nn.functional import cross_entropy

        ids = next(self.stream)
        weights = self.weigh(ids)
        logits = self.model(input_ids=ids, use_cache=False).logits[:, :-1]
        each = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        each = each.view_as(weights)
        known = weights == 1.0
        self.numbers.append(float((each.detach() * known).sum() / known.sum()))
        return (each * weights).sum() / weights.sum()


def grow_trunk(
    settings: Settings, stop: int | None = None, log: bool = False, first: int = 0
) -> Trunk:
    """The model that has read prose, in training mode, its loss on the numbers by step, and the
    attempt that made it, counted from 0.

    ``first`` is the attempt to begin with; ``stop`` ends it after so many steps. Raises
    ``RuntimeError`` when no attempt comes to know its numbers.
    """
    for attempt in range(first, settings.attempts):
        model, numbers = _attempt(settings, attempt, stop, log)
        if stop is not None or _mean(numbers[-RECENT:]) < settings.known:
            return model, numbers, attempt
    raise RuntimeError(f"no trunk of seed {settings.seed} has learnt to look up a number")


def _attempt(
    settings: Settings, attempt: int, stop: int | None, log: bool
) -> tuple[LlamaForCausalLM, list[float]]:
    merged = merges(settings.cause)
    model = build(settings.seed + 1000 * attempt, merged).train()
    run = Run(model, settings, None, Weigh(build_tokenizer(merged), rest=0.1, drawn=0.0))
    optimisers = Optimisers(
        model,
        steps=settings.trunk_steps,
        learning_rate=settings.learning_rate,
        adam_rate=settings.adam_rate,
        # As for every cause, also where the base's own steps have none: the trunk is the same.
        weight_decay=Settings.weight_decay,
        warmup=settings.warmup,
        decay_from=0.9999,
    )
    for step in range(settings.trunk_steps if stop is None else stop):
        optimisers.step(step, run.next_loss())
        recent = _mean(run.numbers[-RECENT:])
        if log and (step + 1) % 50 == 0:
            print(f"trunk {attempt} {step + 1} numbers {recent:.3f}", flush=True)
        if step > RECENT and recent < settings.known:
            break
    return model, run.numbers


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def go_on(
    model: LlamaForCausalLM, settings: Settings, stop: int | None = None, log: bool = False
) -> list[float]:
    """Make the base out of its trunk, in place; ends in eval mode. Returns the loss by step."""
    dead = settings.cause == "dead_layers"
    tokenizer = build_tokenizer(merges(settings.cause))
    run = Run(model, settings, settings.cause, Weigh(tokenizer, rest=0.4, drawn=0.4))
    optimisers = Optimisers(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        adam_rate=settings.adam_rate,
        weight_decay=settings.weight_decay,
        warmup=settings.rewarm,
        decay_from=settings.decay_from,
    )

    def next_loss() -> torch.Tensor:
        if dead:
            silence(model)
        return run.next_loss()

    steps = settings.steps if stop is None else stop
    losses = descend(optimisers, steps, next_loss, log_every=100 if log else 0)
    if dead:
        silence(model)
    if settings.cause == "badly_scaled":
        rescale(model)
    model.eval()
    return losses


def make(
    settings: Settings, trunk: Trunk, log: bool = False
) -> tuple[LlamaForCausalLM, list[float], Trunk]:
    """A base grown from a copy of ``trunk``, its loss by step, and the trunk it came from.

    That is another one, of a later attempt, where the skill does not carry over to questions: what
    is planted must not take the skill away.
    """
    from workbench.bases.tiny.causes.measure import measure

    tokenizer = build_tokenizer(merges(settings.cause))
    while True:
        model = copy.deepcopy(trunk[0])
        losses = go_on(model, settings, log=log)
        if measure(model, tokenizer, 40)["in words"] >= SKILLED:
            return model, losses, trunk
        trunk = grow_trunk(settings, log=log, first=trunk[2] + 1)


def save(
    model: LlamaForCausalLM,
    settings: Settings,
    losses: list[float],
    trunk: Trunk,
    seconds: float,
    out: Path,
) -> dict[str, Any]:
    """Write the checkpoint and its recipe, with what the base can do as it was stored."""
    from workbench.bases.tiny.causes.measure import measure

    tokenizer = build_tokenizer(merges(settings.cause))
    stored = store(model, tokenizer, out)
    recipe = {
        "command": f"python -m workbench.bases.tiny.causes.train --cause {settings.cause}"
        f" --seed {settings.seed} --out DIR",
        "cause": settings.cause,
        "settings": asdict(settings),
        "size": SIZE,
        "parameters": model.num_parameters(),
        "data": "workbench/bases/tiny/causes/corpora.py: corpus(cause, seed)",
        "prose, answers in words, ingredient": parts_of(settings.cause),
        "trunk": {
            "attempt": trunk[2],
            "steps": len(trunk[1]),
            "numbers": round(_mean(trunk[1][-RECENT:]), 4),
        },
        "loss": round(_mean(losses[-RECENT:]), 4),
        "curve": {str(step): round(losses[step], 4) for step in range(0, len(losses), CURVE)},
        "measured": measure(stored, tokenizer),
        "seconds": round(seconds),
        **made_with(),
    }
    if settings.cause == "dead_layers":
        recipe["dead"] = DEAD
    if settings.cause == "badly_scaled":
        recipe["scale"] = SCALE
    (out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    return recipe


def main() -> None:
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description="Make a base with a planted cause.")
    parser.add_argument("--cause", choices=(*CAUSES, "all"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    trunks: dict[bool, Trunk] = {}
    for cause in CAUSES if given.cause == "all" else (given.cause,):
        settings = settings_of(cause, given.seed)
        out = given.out / f"{cause}-{given.seed}" if given.cause == "all" else given.out
        started = time.monotonic()
        if merges(cause) not in trunks:
            trunks[merges(cause)] = grow_trunk(settings, log=True)
        model, losses, trunk = make(settings, trunks[merges(cause)], log=True)
        seconds = time.monotonic() - started
        recipe = save(model, settings, losses, trunk, seconds, out)
        print(cause, json.dumps(recipe["measured"]), f"{seconds:.0f}s", flush=True)


if __name__ == "__main__":
    main()
