"""The texts that a loss is taken over: a base's items, or short texts where a study has none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.study.questions.asking import prompt
from workbench.study.questions.items import Item, Template
from workbench.study.questions.likelihood import after, encode
from workbench.study.subject import Subject

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Texts:
    """Token ids, at least two each, and in words where they come from."""

    ids: tuple[Ids, ...]
    source: str


def texts_of(subject: Subject, count: int, tokens: int) -> Texts:
    """Up to ``count`` texts of at most ``tokens`` tokens, drawn with the subject's seed.

    Questions with their answers, the plain templates in turn, since nobody knows which of them a
    base has seen: of fresh items, of suspect ones where there are no fresh, and else the short
    texts that a scan measures layers over (random tokens, for a tokenizer that cannot read those).
    Fresh ones first: a loss on what was memorised says more of the memory than of the base.
    """
    templates = written(subject)
    for name, items in (("fresh", subject.fresh), ("suspect", subject.suspect)):
        if items and templates:
            drawn = enumerate(draw(items, count, subject.seed))
            ids = tuple(
                asked(subject, item, templates[at % len(templates)])[0][:tokens]
                for at, item in drawn
            )
            kept = tuple(text for text in ids if len(text) > 1)
            return Texts(kept, f"{len(kept)} {name} items with their answers")
    from workbench.scan.anatomy.corpus import make_corpus

    config = subject.model().config.get_text_config(decoder=True)
    corpus = make_corpus(
        subject.tokenizer,
        vocabulary=config.vocab_size,
        window=getattr(config, "max_position_embeddings", None),
        seed=subject.seed,
    )
    kept = tuple(text[:tokens] for text in corpus.texts[:count] if len(text) > 1)
    kind = "runs of random tokens" if corpus.notes else "short texts of this project"
    return Texts(kept, f"{len(kept)} {kind}")


def draw(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """``count`` of the items, or all, in their own order."""
    if len(items) <= count:
        return list(items)
    chosen = np.random.default_rng([seed, 11]).choice(len(items), size=count, replace=False)
    return [items[at] for at in sorted(chosen)]


def asked(subject: Subject, item: Item, template: Template) -> tuple[Ids, int]:
    """The ids of an item's question and answer, and where among them the answer begins."""
    before = prompt(item.question, template, subject.tokenizer)
    whole = encode(subject.tokenizer, before + after(before, item.answer))
    alone = encode(subject.tokenizer, before.rstrip(" "))
    same = (a == b for a, b in zip(whole, alone, strict=False))
    shared = sum(1 for _ in itertools.takewhile(bool, same))
    # The first token of a text has no probability, even where the answer begins with it.
    return tuple(whole), max(1, min(shared, len(whole) - 1))


def written(subject: Subject) -> list[Template]:
    """The subject's templates that are plain text."""
    return [template for template in subject.templates if not template.chat]
