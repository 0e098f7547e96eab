"""The sharded exchangeability test (arXiv 2310.17623): is the data set's own order likelier?

Items of a data set might stand in any order. A model that finds the order of the file likelier
than others has read the file. The one sub-test that needs no fresh items, and the one that no
difference between suspect and fresh items can mislead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.study.probing.part import Part, could_not, mean_above
from workbench.study.probing.texts import frame, originals, whole
from workbench.study.questions.likelihood import encode, token_scores
from workbench.study.subject import Subject

#: The paper's t-test over shards is good for this many or more.
SHARDS = 30
JOINT = "\n\n"


def shards(lengths: Sequence[int], context: int, fewest: int = SHARDS) -> list[range]:
    """Runs of items, all of one length of two or more, each fitting into ``context`` tokens.

    As long as they can be with ``fewest`` shards; none where there are too few items or they are
    too long. A run with a longer item than others may take is left out.
    """
    for size in range(len(lengths) // fewest, 1, -1):
        runs = [range(at, at + size) for at in range(0, len(lengths) - size + 1, size)]
        fitting = [run for run in runs if sum(lengths[at] for at in run) <= context]
        if len(fitting) >= fewest:
            return fitting
    return []


def measure(subject: Subject, *, orders: int, max_tokens: int, batch_size: int) -> Part:
    """Log-probability of a shard in the file's order minus the mean over shuffled orders.

    In nats a token, the mean over shards; ``p`` is of a t-test over them.
    """
    model, tokenizer, template = subject.model(), subject.tokenizer, frame(subject)
    texts = [whole(item, template) for item in originals(subject.suspect)]
    gap = len(tokenizer(JOINT, add_special_tokens=False)["input_ids"])
    lengths = [len(encode(tokenizer, text)) + gap for text in texts]
    window = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    runs = shards(lengths, min(window or max_tokens, max_tokens))
    if not runs:
        return could_not(
            f"{len(texts)} suspect items do not make {SHARDS} shards of two or more that a context "
            f"of {min(window or max_tokens, max_tokens)} tokens holds"
        )
    rng = np.random.default_rng([subject.seed, 23])
    # Two items have one other order, and the mean over it needs it once.
    orders = min(orders, math.factorial(len(runs[0])) - 1)
    joined = []
    for run in runs:
        for order in [list(run), *_shuffled(run, orders, rng)]:
            joined.append(JOINT.join(texts[at] for at in order))
    scored = token_scores(model, tokenizer, joined, batch_size=batch_size)
    totals = np.array([one.logprob.sum() for one in scored]).reshape(len(runs), orders + 1)
    tokens = np.array([len(one) for one in scored]).reshape(len(runs), orders + 1)[:, 0]
    gains = (totals[:, 0] - totals[:, 1:].mean(axis=1)) / tokens
    value, ci95, p = mean_above(gains)
    return Part(
        value,
        ci95,
        p,
        len(runs),
        words=f"the file's order is {value:+.4f} nats a token likelier than others, over "
        f"{len(runs)} shards of {len(runs[0])} items",
        more={"shards": len(runs), "items": len(runs) * len(runs[0]), "orders": orders},
    )


def _shuffled(run: range, count: int, rng: np.random.Generator) -> list[list[int]]:
    """``count`` orders of a run, no two alike, and none its own."""
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        order = tuple(rng.permutation(list(run)).tolist())
        if order != tuple(run):
            found.setdefault(order)
    return [list(order) for order in found]
