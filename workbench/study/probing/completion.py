"""Partial-prompt completion (arXiv 2507.10532): does a base finish a question shown in part?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.study.probing.part import Part, could_not, difference, drawn, mean_of
from workbench.study.probing.texts import asked, frame, originals, rouge_l, units
from workbench.study.questions.asking import exact, write
from workbench.study.questions.items import Item
from workbench.study.subject import Subject

SHARES = (0.4, 0.6, 0.8)
FEWEST = 20
#: A question with fewer words (or characters) has no 40% that tells it from others.
SHORTEST = 5


@dataclass(frozen=True)
class Cut:
    """A question in two: ``shown`` to the model, and the ``rest`` in words or characters."""

    shown: str
    rest: tuple[str, ...]


def cut(question: str, share: float) -> Cut | None:
    """The first ``share`` of the words, and the rest; ``None`` for a question too short."""
    parts = units(question)
    if len(parts) < SHORTEST:
        return None
    at = min(max(1, round(len(parts) * share)), len(parts) - 1)
    return Cut("".join(parts[:at]), tuple(part.strip() or part for part in parts[at:]))


def agreement(said: str, rest: Sequence[str]) -> tuple[bool, float]:
    """Whether ``said`` begins with the rest word for word, and ROUGE-L over as many words."""
    joint = "" if rest and all(len(part) == 1 for part in rest) else " "
    pieces = list(said.strip()) if not joint else said.split()
    begun = pieces[: len(rest)]
    return exact(joint.join(begun), joint.join(rest)), rouge_l(begun, rest)


def measure(subject: Subject, *, items: int, max_new_tokens: int, batch_size: int) -> Part:
    """Mean ROUGE-L of the completed rest over cuts at 40, 60 and 80%: suspect minus fresh.

    ``more`` has the shares of exact completions at each cut. Rests longer than ``max_new_tokens``
    are compared as far as those reach.
    """
    sides = [
        [item for item in originals(side) if cut(item.question, SHARES[0]) is not None]
        for side in (subject.suspect, subject.fresh)
    ]
    if min(map(len, sides)) < FEWEST:
        return could_not(
            f"{len(sides[0])} suspect and {len(sides[1])} fresh items of {SHORTEST} words or more "
            f"are fewer than {FEWEST} each"
        )
    chosen = [[side[at] for at in drawn(len(side), items, subject.seed)] for side in sides]
    found = [_completed(subject, side, max_new_tokens, batch_size) for side in chosen]
    value, ci95, p = difference(*(rouge.mean(axis=0) for _, rouge in found))
    more = {
        "exact": [
            _sides([exact[at] for exact, _ in found], share) for at, share in enumerate(SHARES)
        ],
        "rouge_l": [
            _sides([rouge[at] for _, rouge in found], share) for at, share in enumerate(SHARES)
        ],
    }
    best = max(one["suspect"] for one in more["exact"])
    return Part(
        value,
        ci95,
        p,
        sum(map(len, chosen)),
        words=f"completes up to {best:.0%} of suspect questions exactly; ROUGE-L {value:+.2f} "
        "against fresh ones",
        more=more,
    )


def _sides(values: Sequence[np.ndarray], share: float) -> dict[str, float]:
    suspect, fresh = values
    return {"shown": share, "suspect": mean_of(suspect.tolist()), "fresh": mean_of(fresh.tolist())}


def _completed(
    subject: Subject, items: Sequence[Item], max_new_tokens: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Exact (0 or 1) and ROUGE-L, each [cuts, items]."""
    tokenizer, template = subject.tokenizer, frame(subject)
    opening = asked("\0", template).split("\0")[0]
    exacts, rouges = np.zeros((2, len(SHARES), len(items)))
    for row, share in enumerate(SHARES):
        cuts = [one for item in items if (one := cut(item.question, share)) is not None]
        lengths = [len(tokenizer(" " + " ".join(one.rest))["input_ids"]) for one in cuts]
        most = min(max_new_tokens, max(lengths) + 4)
        one_line = not any("\n" in item.question for item in items)
        answers = write(
            subject.model(),
            tokenizer,
            [opening + one.shown for one in cuts],
            most,
            batch_size,
            until=("\n",) if one_line else (),
        )
        for place, (one, length, answer) in enumerate(zip(cuts, lengths, answers, strict=True)):
            # Of a rest that is longer than what may be written, the part that could be.
            reach = len(one.rest) if length <= most else max(1, len(one.rest) * most // length)
            exacts[row, place], rouges[row, place] = agreement(answer.text, one.rest[:reach])
    return exacts, rouges
