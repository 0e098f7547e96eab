"""What the figures are taken over: our texts and sentences, as far as a tokenizer can read them."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids = tuple[int, ...]

#: Of each text so many tokens are read, so that the cost is the same with any tokenizer.
TEXT_TOKENS = 48
#: Characters of a text that must come back from its tokens: less, and it was not read but spelt
#: out in unknowns.
READ = 0.9


@dataclass(frozen=True)
class Corpus:
    """Token ids: ``texts``, and ``sentences`` by language, the same contents in each.

    ``notes`` say what could not be read, and what was done about it.
    """

    texts: tuple[Ids, ...]
    sentences: dict[str, tuple[Ids, ...]]
    notes: tuple[str, ...]


def make_corpus(
    tokenizer: PreTrainedTokenizerBase, *, vocabulary: int, window: int | None, seed: int
) -> Corpus:
    """The texts and sentences that ``tokenizer`` reads and that fit into ``window`` tokens.

    A tokenizer that reads fewer than half of the texts (one of a few symbols, say) gets random
    tokens of its ``vocabulary`` instead, drawn from ``seed``.
    """
    longest = TEXT_TOKENS if window is None else min(TEXT_TOKENS, window)
    notes = []
    given = load("texts")
    texts = tuple(
        tuple(tokenizer.encode(text))[:longest] for text in given if readable(tokenizer, text)
    )
    if 2 * len(texts) < len(given):
        texts = _random_texts(tokenizer, len(given), longest, vocabulary, seed)
        notes.append(
            "The tokenizer cannot read the texts that the figures are taken over; they are taken "
            f"over {len(texts)} runs of {longest} random tokens instead."
        )
    sentences, unread, too_long = {}, [], []
    for language, lines in load("languages", "sentences").items():
        ids = tuple(tuple(tokenizer.encode(line)) for line in lines)
        if not all(readable(tokenizer, line) for line in lines):
            unread.append(language)
        elif window is not None and max(map(len, ids)) > window:
            too_long.append(language)
        else:
            sentences[language] = ids
    if unread:
        notes.append(f"The tokenizer cannot read these languages: {', '.join(unread)}.")
    if too_long:
        notes.append(
            f"Sentences are longer than the model's {window} positions in: {', '.join(too_long)}."
        )
    return Corpus(texts, sentences, tuple(notes))


def readable(tokenizer: PreTrainedTokenizerBase, text: str) -> bool:
    """Whether the characters of ``text``, spaces and case aside, come back from its tokens."""
    wanted = _letters(text)
    ids = tokenizer.encode(text, add_special_tokens=False)
    found = _letters(str(tokenizer.decode(ids, skip_special_tokens=True)))
    return (wanted & found).total() >= READ * wanted.total()


def load(part: str, name: str = "") -> Any:
    """The ``part`` of one of the data files beside this module."""
    return _file(name or part)[part]


@cache
def _file(name: str) -> Any:
    return json.loads((files(__package__) / f"{name}.json").read_text("utf-8"))


def _letters(text: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return Counter(letter for letter in plain if not letter.isspace())


def _random_texts(
    tokenizer: PreTrainedTokenizerBase, count: int, length: int, vocabulary: int, seed: int
) -> tuple[Ids, ...]:
    special = set(tokenizer.all_special_ids)
    ids = sorted(i for i in tokenizer.get_vocab().values() if i < vocabulary and i not in special)
    drawn = np.random.default_rng([seed, 2]).choice(ids or vocabulary, size=(count, length))
    return tuple(tuple(row.tolist()) for row in drawn)
