"""Asking a causal LM: prompts from items, answers greedy or drawn, and whether they are right."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.bases.stops import distinct, stop_ids
from workbench.study.questions.items import Template
from workbench.study.questions.likelihood import BATCH_SIZE, at_rest, batches, encode

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: What ends an answer beside the model's own end of turn.
UNTIL = ("\n",)


@dataclass(frozen=True)
class Answer:
    """What a model wrote, cut where it ended and stripped of white space at both ends.

    ``ended`` is ``turn`` for a stop token, ``text`` for one of the strings that end an answer, and
    ``length`` where the model was still writing. ``stop`` is the stop token's id, ``until`` the
    string.
    """

    text: str
    ended: Literal["turn", "text", "length"]
    stop: int | None = None
    until: str = ""


def can_ask(template: Template, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether questions can be put so: a chat needs the tokenizer to have a chat template."""
    return not template.chat or bool(tokenizer.chat_template)


def prompt(question: str, template: Template, tokenizer: PreTrainedTokenizerBase) -> str:
    """The text after which the model's answer follows.

    Raises ``ValueError`` for a chat with a tokenizer that has no chat template.
    """
    if not template.chat:
        return template.text.replace("{question}", question)
    if not tokenizer.chat_template:
        raise ValueError("the tokenizer has no chat template")
    turns = [{"role": "user", "content": question}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def answer_greedy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int = 32,
    batch_size: int = BATCH_SIZE,
    until: Sequence[str] = UNTIL,
) -> list[str]:
    """The likeliest token at each place, up to the end of turn or one of ``until``."""
    return [
        each.text for each in write(model, tokenizer, prompts, max_new_tokens, batch_size, until)
    ]


def answer_sampled(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    k: int,
    temperature: float = 1.0,
    seed: int = 0,
    max_new_tokens: int = 32,
    batch_size: int = BATCH_SIZE,
    until: Sequence[str] = UNTIL,
) -> list[list[str]]:
    """``k`` answers to each prompt, drawn from the model's distribution at ``temperature``.

    What is drawn depends on the seed, the prompt and the number of the draw, and neither on the
    other prompts nor on the batch (in float32).
    """
    rows = [one for one in prompts for _ in range(k)]
    chances = np.stack(
        [_uniform(seed, text, draw, max_new_tokens) for text in prompts for draw in range(k)]
        or [np.zeros(max_new_tokens)]
    )
    drawn = _write(
        model, tokenizer, rows, max_new_tokens, batch_size, until, (chances, temperature)
    )
    return [[each.text for each in drawn[at : at + k]] for at in range(0, len(drawn), k)]


def write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int = 32,
    batch_size: int = BATCH_SIZE,
    until: Sequence[str] = UNTIL,
    also_stop: Sequence[int] = (),
) -> list[Answer]:
    """Greedy answers with how each ended: the longer form of :func:`answer_greedy`.

    ``also_stop`` are tokens that end an answer beside those of tokenizer and checkpoint.
    """
    return _write(model, tokenizer, prompts, max_new_tokens, batch_size, until, None, also_stop)


def exact(answer: str, target: str) -> bool:
    """Whether two answers are the same but for case, white space, a full stop and such.

    Numbers are compared without commas between their digits.
    """
    return _normal(answer) == _normal(target)


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return " ".join(text.split()).strip(" .\"'*`")


def _uniform(seed: int, text: str, draw: int, count: int) -> NDArray[np.float64]:
    """``count`` numbers in [0, 1) that belong to a seed, a prompt and the number of a draw."""
    digest = hashlib.sha256(f"{seed}\0{draw}\0{text}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big")).random(count)


def _write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int,
    batch_size: int,
    until: Sequence[str],
    draws: tuple[NDArray[np.float64], float] | None,
    also_stop: Sequence[int] = (),
) -> list[Answer]:
    """``draws`` are uniform numbers, [prompts, new tokens], and a temperature."""
    import torch
    from transformers import GenerationConfig

    stops = distinct(stop_ids(tokenizer, model.generation_config), list(also_stop))
    rows = [encode(tokenizer, text) for text in prompts]
    filler = next((i for i in (tokenizer.pad_token_id, *stops) if i is not None), 0)
    answers: list[Answer | None] = [None] * len(rows)
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=stops or None,
        pad_token_id=filler,
        use_cache=True,
    )
    with at_rest(model), _own_settings(model):
        for batch in batches([len(row) for row in rows], batch_size):
            width = max(len(rows[index]) for index in batch)
            ids = torch.full((len(batch), width), filler)
            mask = torch.zeros_like(ids)
            for place, index in enumerate(batch):
                # On the left, so that what is written stands right behind every prompt.
                ids[place, width - len(rows[index]) :] = torch.tensor(rows[index])
                mask[place, width - len(rows[index]) :] = 1
            chosen = [] if draws is None else [_Drawn(draws[0][batch], draws[1], width)]
            out = model.generate(
                ids.to(model.device),
                attention_mask=mask.to(model.device),
                generation_config=config,
                logits_processor=chosen,
                stopping_criteria=[_Ended(tokenizer, until, width)] if until else [],
            )
            for place, index in enumerate(batch):
                written = out[place, width:].tolist()
                answers[index] = _cut(tokenizer, written, stops, until)
    return [each for each in answers if each is not None]


def _cut(
    tokenizer: PreTrainedTokenizerBase, ids: list[int], stops: Sequence[int], until: Sequence[str]
) -> Answer:
    end = next((place for place, token in enumerate(ids) if token in stops), None)
    kept = ids if end is None else ids[:end]
    text = tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    found = [(at, mark) for mark in until if (at := text.find(mark)) >= 0]
    if found:
        at, mark = min(found)
        return Answer(text[:at].strip(), "text", until=mark)
    if end is None:
        return Answer(text.strip(), "length")
    return Answer(text.strip(), "turn", ids[end])


class _Drawn:
    """Puts all weight on one token a row: the one at which the running sum passes a number."""

    def __init__(self, chances: NDArray[np.float64], temperature: float, width: int) -> None:
        self.chances, self.temperature, self.width = chances, temperature, width

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        step = input_ids.shape[1] - self.width
        shares = torch.softmax(scores.float() / self.temperature, dim=-1)
        sums = shares.cumsum(-1)
        drawn = torch.tensor(self.chances[:, step], dtype=sums.dtype, device=sums.device)
        # Rounding may leave the last sum short of 1.
        place = torch.searchsorted(sums, (drawn * sums[:, -1])[:, None], right=True)
        place = place.clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(-1, place, 0.0)


class _Ended:
    """Tells which rows have written one of the strings that end an answer."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, until: Sequence[str], width: int
    ) -> None:
        self.tokenizer, self.until, self.width = tokenizer, until, width

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, **rest: object
    ) -> torch.Tensor:
        import torch

        texts = self.tokenizer.batch_decode(input_ids[:, self.width :])
        found = [any(mark in text for mark in self.until) for text in texts]
        return torch.tensor(found, device=input_ids.device)


@contextmanager
def _own_settings(model: Any) -> Iterator[None]:
    """The model without its checkpoint's generation settings: many ship penalties and warpers."""
    from transformers import GenerationConfig

    theirs = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = theirs
