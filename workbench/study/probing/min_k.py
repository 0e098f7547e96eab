"""Min-K%++ (arXiv 2404.02936): are a text's least likely tokens still likely for what they are?"""

from __future__ import annotations

import numpy as np

from workbench.study.probing.part import Part, auc, could_not, drawn, mean_of
from workbench.study.probing.texts import frame, originals, whole
from workbench.study.questions.likelihood import TokenScores, token_scores
from workbench.study.subject import Subject

#: Items on each side that an AUC is worth telling from.
FEWEST = 20


def min_k(scores: TokenScores, share: float) -> float:
    """The mean of the lowest ``share`` of (log p - mean) / SD over the tokens; at least one token.

    NaN for a text without scored tokens. Where the model leaves no doubt (an SD of 0) a token
    that it expects counts 0.
    """
    if not len(scores):
        return float("nan")
    spread = np.maximum(scores.sd, 1e-6)
    standard = np.sort((scores.logprob - scores.mean) / spread)
    return float(standard[: max(1, int(len(standard) * share))].mean())


def measure(subject: Subject, *, share: float, items: int, batch_size: int) -> Part:
    """The AUC of Min-K%++ of suspect against fresh items, each with its answer in the first frame.

    0.5 for a base that has read neither; 1 where every suspect item is more familiar than every
    fresh one.
    """
    suspect, fresh = originals(subject.suspect), originals(subject.fresh)
    if min(len(suspect), len(fresh)) < FEWEST:
        return could_not(
            f"{len(suspect)} suspect and {len(fresh)} fresh items are fewer than {FEWEST} each"
        )
    template, model = frame(subject), subject.model()
    sides = []
    for side in (suspect, fresh):
        chosen = drawn(len(side), items, subject.seed)
        texts = [whole(side[place], template) for place in chosen]
        scored = token_scores(model, subject.tokenizer, texts, batch_size=batch_size)
        values = np.array([min_k(one, share) for one in scores_of(scored)])
        losses = [-mean_of(one.logprob.tolist()) for one in scores_of(scored)]
        sides.append((values, losses))
    (a, loss_a), (b, loss_b) = sides
    value, ci95, p = auc(a, b)
    return Part(
        value,
        ci95,
        p,
        len(a) + len(b),
        null=0.5,
        words=f"AUC {value:.2f} of {len(a)} suspect against {len(b)} fresh items",
        more={
            "suspect": len(a),
            "fresh": len(b),
            "share": share,
            "loss": {"suspect": mean_of(loss_a), "fresh": mean_of(loss_b)},
        },
    )


def scores_of(scored: list[TokenScores]) -> list[TokenScores]:
    """Those with at least one scored token."""
    return [one for one in scored if len(one)]
