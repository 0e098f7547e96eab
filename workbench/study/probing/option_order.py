"""Option order (after arXiv 2409.01790): is the order in the data set likelier than any other?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np

from workbench.study.probing.part import Part, could_not, difference, drawn, mean_above, mean_of
from workbench.study.probing.texts import asked, frame, originals, with_options
from workbench.study.questions.items import Item
from workbench.study.questions.likelihood import token_scores
from workbench.study.subject import Subject

FEWEST = 20


def orders(count: int, most: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The order as it is, then up to ``most`` others, no two alike."""
    first = tuple(range(count))
    if math.factorial(count) - 1 <= most:
        return [first, *(order for order in permutations(first) if order != first)]
    others: dict[tuple[int, ...], None] = {}
    while len(others) < most:
        order = tuple(rng.permutation(count).tolist())
        if order != first:
            others.setdefault(order)
    return [first, *others]


def rank(logprobs: Sequence[float]) -> float:
    """Share of the other orders that are less likely than the first, ties half, minus a half."""
    first, others = logprobs[0], np.asarray(logprobs[1:])
    return float((others < first).mean() + (others == first).mean() / 2) - 0.5


def measure(subject: Subject, *, orders_tried: int, items: int, batch_size: int) -> Part:
    """Mean rank of the data set's own order of options, suspect minus fresh items.

    Between -1 and 1; 0 where order does not matter. Without fresh items that have options it is
    the suspect items' mean rank against 0: then what authors prefer (rising numbers, the right
    option seldom first) counts as well.
    """
    with_them = [
        [item for item in originals(side) if len(item.options) > 1]
        for side in (subject.suspect, subject.fresh)
    ]
    if len(with_them[0]) < FEWEST:
        return could_not(f"{len(with_them[0])} suspect items have options, fewer than {FEWEST}")
    ranks, firsts = [], []
    for side in with_them:
        chosen = [side[at] for at in drawn(len(side), items, subject.seed)]
        found = _ranks(subject, chosen, orders_tried, batch_size)
        ranks.append(found)
        firsts.append(mean_of((found == 0.5).tolist()) if len(found) else None)
    alone = len(ranks[1]) < FEWEST
    value, ci95, p = mean_above(ranks[0]) if alone else difference(*ranks)
    return Part(
        value,
        ci95,
        p,
        len(ranks[0]) + (0 if alone else len(ranks[1])),
        words=f"the order of the data set is the likeliest in {firsts[0]:.0%} of suspect items",
        more={"likeliest": {"suspect": firsts[0], "fresh": firsts[1]}, "against_fresh": not alone},
    )


def _ranks(subject: Subject, items: Sequence[Item], most: int, batch_size: int) -> np.ndarray:
    rng = np.random.default_rng([subject.seed, 7])
    template = frame(subject)
    texts, sizes = [], []
    for item in items:
        tried = orders(len(item.options), most, rng)
        sizes.append(len(tried))
        for order in tried:
            options = [item.options[at] for at in order]
            # Without the answer: its place among the options would make orders differ.
            texts.append(asked(with_options(item.question, options), template))
    scored = token_scores(subject.model(), subject.tokenizer, texts, batch_size=batch_size)
    totals = [float(one.logprob.sum()) for one in scored]
    starts = np.cumsum([0, *sizes])
    return np.array([rank(totals[a:b]) for a, b in pairwise(starts)])
