"""Perturbed variants (arXiv 2507.10532): does a base know an item better than its twin?

A variant is the same text with other values of the same magnitude, so that it is as hard; only
who has read the item knows it better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from workbench.compare.differences import mcnemar, tango
from workbench.study.probing.part import Part, could_not, drawn, mean_above, mean_of
from workbench.study.probing.texts import asked, frame
from workbench.study.questions.asking import answer_greedy, exact
from workbench.study.questions.items import Item
from workbench.study.questions.likelihood import answer_scores
from workbench.study.subject import Subject

FEWEST = 20
_NUMBER = re.compile(r"\d+")


def pairs(items: Sequence[Item], variants: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Each item with the variants that name it."""
    by_id = {item.id: item for item in items if not item.pair}
    return [(by_id[one.pair], one) for one in variants if one.pair in by_id]


def matched(one: Item, other: Item) -> bool:
    """Whether both have as many numbers, and those as many digits each, in question and answer."""
    return _digits(one) == _digits(other)


def _digits(item: Item) -> tuple[list[int], list[int]]:
    question, answer = (_NUMBER.findall(text) for text in (item.question, item.answer))
    return sorted(map(len, question)), sorted(map(len, answer))


def measure(subject: Subject, *, items: int, max_new_tokens: int, batch_size: int) -> Part:
    """Log-probability of the right answer, in nats a token: items minus their variants, paired.

    ``more`` has the same of the score, by greedy exact match. Pairs whose numbers differ in
    magnitude are left out and counted.
    """
    both = pairs(subject.suspect, [*subject.suspect, *subject.fresh])
    usable = [pair for pair in both if matched(*pair)]
    if len(usable) < FEWEST:
        if not both:
            return could_not("no variants name a suspect item (`pair`)")
        return could_not(
            f"{len(usable)} of {len(both)} variants have numbers of their items' magnitudes, "
            f"fewer than {FEWEST}"
        )
    chosen = [usable[at] for at in drawn(len(usable), items, subject.seed)]
    template, model, tokenizer = frame(subject), subject.model(), subject.tokenizer
    known, right = [], []
    for side in zip(*chosen, strict=True):
        prompts = [asked(item.question, template) for item in side]
        targets = [item.answer for item in side]
        scored = answer_scores(model, tokenizer, prompts, targets, batch_size=batch_size)
        known.append(np.array([one.logprob.mean() for one in scored]))
        said = answer_greedy(model, tokenizer, prompts, max_new_tokens, batch_size)
        right.append(np.array([exact(a, t) for a, t in zip(said, targets, strict=True)]))
    value, ci95, p = mean_above(known[0] - known[1])
    gained, lost = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    score = {
        "suspect": mean_of(right[0].tolist()),
        "variants": mean_of(right[1].tolist()),
        "difference": mean_of((right[0].astype(float) - right[1]).tolist()),
        "ci95": list(tango(gained, lost, len(chosen))),
        "p": mcnemar(gained, lost),
    }
    return Part(
        value,
        ci95,
        p,
        len(chosen),
        words=f"right answers are {value:+.2f} nats a token likelier than to variants; score "
        f"{score['suspect']:.0%} against {score['variants']:.0%}",
        more={"score": score, "unmatched": len(both) - len(usable)},
    )
