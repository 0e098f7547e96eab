"""Runs that collapsed: the same answer to every question, or none.

Such a run says that the training failed, not how well the base takes one; averaged in, it would
look like a low gain. It is reported, and left out of the estimates, which say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

#: A share of items with the same answer from which a run counts as collapsed.
SHARE = 0.95
#: With fewer items, the same answer to all of them is no surprise.
FEWEST = 10
#: Such chances that a run which answers as the targets do had so common an answer are too low.
SURPRISE = 1e-3


@dataclass(frozen=True)
class Collapse:
    """Why a run counts as collapsed on a task.

    ``share`` of the items have the same ``answer`` (empty: no answer at all); ``entropy`` is that
    of the answers in bits, 0 where all are equal.
    """

    why: str
    answer: str
    share: float
    entropy: float
    n: int


def collapsed(
    answers: Sequence[str | None],
    targets: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
) -> Collapse | None:
    """Whether a run's answers to a task's items collapsed; ``None`` where they did not.

    They did where at least ``SHARE`` of them are the same, or empty, or no number came out as a
    score. Where the targets are known, one common answer is a collapse only if no target is so
    common, or if next to no answer is right: a model that is right gives the answers that the task
    has, and those may be nearly all the same. With fewer than ``FEWEST`` items nothing is judged.
    """
    n = len(answers)
    if n < FEWEST:
        return None
    lost = sum(score is None or not math.isfinite(score) for score in scores or ())
    if lost / n >= SHARE:
        return Collapse(f"{lost} of {n} items have no score", "", lost / n, 0.0, n)
    given = Counter("" if answer is None else str(answer).strip() for answer in answers)
    answer, times = given.most_common(1)[0]
    share = times / n
    if share < SHARE:
        return None
    if answer and targets is not None and not _too_common(times, n, targets):
        # As the task has it; unless nearly all are wrong: then it is another answer.
        right = [score for score in scores or () if score is not None and math.isfinite(score)]
        if not right or sum(right) / len(right) >= 1 - SHARE:
            return None
    entropy = -sum(count / n * math.log2(count / n) for count in given.values())
    said = f"answer {answer[:40]!r} to" if answer else "nothing in answer to"
    return Collapse(f"{said} {times} of {n} items", answer, share, abs(entropy), n)


def _too_common(times: int, n: int, targets: Sequence[str]) -> bool:
    """Whether ``times`` equal answers are more than targets like these would bring by chance.

    The targets of these items are a sample, too: their commonest share may be as high as the upper
    end of its 95% interval (Wilson).
    """
    from scipy.stats import binom

    from workbench.evaluate.intervals import wilson

    most = Counter(str(target).strip() for target in targets).most_common(1)[0][1]
    high = wilson(most, len(targets))[1]
    return bool(binom.sf(times - 1, n, high) < SURPRISE)
