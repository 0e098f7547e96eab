"""What a probe will ask, without a tokenizer: its own items, put into words and counted.

The probe builds its questions as it does in a scan; a stand-in for the tokenizer cuts them. So what
questions share, how many there are and how long answers may get is the probe's own word, and only
the number of tokens in a text is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from workbench.errors import UserError
from workbench.recipe.rows import SMALL_VOCABULARY
from workbench.scan.config import ProbeConfig, ScanConfig
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.probe import TASK, find_probe
from workbench.scan.schedule.groups import group
from workbench.scan.schedule.request import Generation, Reading

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: A token: a special one, a word's first eight letters with the space before them, a digit, a sign.
#: Close to the large vocabularies of today, which write digits one by one (Llama 3: up to three).
_WORDS = re.compile(r"<\|\w+\|>|\n+| ?[^\W\d_]{1,8}|\d|[^\w\s]|_|\s+")
_LETTERS = re.compile(r"<\|\w+\|>|.", re.DOTALL)
#: Items that are put into words; as many as a scan keeps together for their common beginnings.
SAMPLE = 16
#: An lm-eval task is not opened to count it: so many questions an item, of so many tokens.
TASK_QUESTIONS, TASK_TOKENS = 4, 150


@dataclass(frozen=True)
class Batch:
    """What one layer call runs for one path: ``tokens`` of ``items`` items, in ``parts`` calls."""

    tokens: int
    parts: int


@dataclass(frozen=True)
class Questions:
    """A probe's load. Tokens are a path's, an item's mean.

    ``shared`` tokens where common beginnings are run once, ``alone`` where they are not.
    ``longest`` is the longest question. ``new`` tokens are generated at most, 0 where one forward
    pass answers; ``lengths`` is how many lengths of prompt there are among ``SAMPLE`` items.
    ``answers`` positions are read. ``batches`` are the groups of the sampled ``items``.
    """

    called: str
    search: int
    held_out: int
    shared: float
    alone: float
    longest: int
    new: int
    lengths: int
    answers: float
    items: int
    batches: tuple[Batch, ...]
    guessed: bool = False


def questions(config: ScanConfig, vocabulary: int) -> list[Questions]:
    """The load of each probe of ``config`` on a model with so many tokens in its vocabulary."""
    encoder = Encoder(
        cast("PreTrainedTokenizerBase", StandIn(vocabulary < SMALL_VOCABULARY)), chat=config.chat
    )
    return [_questions(config, probe, encoder) for probe in config.probes]


def _questions(config: ScanConfig, given: ProbeConfig, encoder: Encoder) -> Questions:
    if given.name.startswith(TASK):
        return _task(given)
    probe = find_probe(given.name, given.options)
    search = probe.items(given.items, seed=config.seed, split="search")
    held_out = probe.items(given.held_out, seed=config.seed, split="held-out")
    asked: list[Any] = []
    for item in search[:SAMPLE]:
        try:
            question = probe.ask(item, encoder)
        except UserError:
            # What the stand-in cannot say, such as digits of a strange probe, is guessed.
            return _task(given, len(search), len(held_out))
        asked.append([question] if isinstance(question, Generation) else question)
    if not asked:
        return _task(given, len(search), len(held_out))
    flat = [each for of_item in asked for each in of_item]
    lengths = [len(each.tokens) for each in flat]
    readings = [each for each in flat if isinstance(each, Reading)]
    generations = [each for each in flat if isinstance(each, Generation)]
    groups = group(readings, 2**31)
    shared = sum(g.tokens for g in groups) + sum(len(g.tokens) for g in generations)
    answers = sum(len(r.positions) for r in readings)
    answers += sum(g.max_new_tokens for g in generations)
    return Questions(
        called=given.called,
        search=len(search),
        held_out=len(held_out),
        shared=shared / len(asked),
        alone=sum(lengths) / len(asked),
        longest=max(lengths),
        new=max((g.max_new_tokens for g in generations), default=0),
        lengths=len(set(lengths)),
        answers=answers / len(asked),
        items=len(asked),
        batches=tuple(Batch(g.tokens, 1 + (g.prefix > 0)) for g in groups),
    )


def _task(given: ProbeConfig, search: int | None = None, held_out: int | None = None) -> Questions:
    tokens = TASK_QUESTIONS * TASK_TOKENS
    return Questions(
        called=given.called,
        search=given.items if search is None else search,
        held_out=given.held_out if held_out is None else held_out,
        shared=tokens,
        alone=tokens,
        longest=TASK_TOKENS,
        new=0,
        lengths=SAMPLE,
        answers=8 * TASK_QUESTIONS,
        items=1,
        batches=(Batch(tokens, 1),),
        guessed=True,
    )


class StandIn:
    """As much of a tokenizer as :class:`Encoder` asks for, with a chat template like ChatML."""

    chat_template = "ChatML"
    bos_token_id = None
    eos_token_id = 0

    def __init__(self, letters: bool) -> None:
        self._cut = _LETTERS if letters else _WORDS
        self._ids = {"<|end|>": 0}
        self._pieces = ["<|end|>"]

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Ids of the pieces of ``text``, each given a number when it is first seen."""
        ids = []
        for piece in self._cut.findall(text):
            if piece not in self._ids:
                self._ids[piece] = len(self._pieces)
                self._pieces.append(piece)
            ids.append(self._ids[piece])
        return ids

    def decode(self, ids: list[int] | int, skip_special_tokens: bool = False) -> str:
        """The pieces of ``ids``, put together."""
        return "".join(self._pieces[i] for i in ([ids] if isinstance(ids, int) else ids))

    def apply_chat_template(
        self, turns: list[dict[str, str]], *, add_generation_prompt: bool = False, **others: Any
    ) -> str:
        """The turns with a start and an end each."""
        text = "".join(f"<|start|>{turn['role']}\n{turn['content']}<|stop|>\n" for turn in turns)
        return text + ("<|start|>assistant\n" if add_generation_prompt else "")

    def get_vocab(self) -> dict[str, int]:
        """The pieces seen so far."""
        return dict(self._ids)

    def convert_ids_to_tokens(self, token: int) -> str:
        """The piece with the number ``token``."""
        return self._pieces[token]
