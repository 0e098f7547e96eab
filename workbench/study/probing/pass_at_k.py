"""pass@k without bias, and what of it is chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that of ``k`` of ``n`` answers, ``right`` of them right, at least one is right.

    1 - C(n - right, k) / C(n, k), the unbiased estimator of Chen et al. (arXiv 2107.03374).
    Raises ``ValueError`` where that many answers were not given.
    """
    if not (0 <= right <= n and 1 <= k <= n):
        raise ValueError(f"{right} right of {n}, of which {k} are taken")
    if n - right < k:
        return 1.0
    kept = np.arange(n - right + 1, n + 1)
    return float(1.0 - np.prod(1.0 - k / kept))


def own_and_dealt(
    answers: Sequence[Sequence[str]],
    targets: Sequence[str],
    k: int,
    same: Callable[[str, str], bool],
) -> tuple[Numbers, Numbers]:
    """pass@k of each item against its own target, and the mean over all other items' targets.

    The second is what answers that know nothing of the question would reach: exactly the
    expectation over dealing the targets out anew, no draw needed. Both [items].
    """
    wanted = Counter(targets)
    own, dealt = np.zeros((2, len(targets)))
    for place, (given, target) in enumerate(zip(answers, targets, strict=True)):
        said = Counter(given)
        reached = {
            other: pass_at_k(
                len(given), sum(count for text, count in said.items() if same(text, other)), k
            )
            for other in wanted
        }
        own[place] = reached[target]
        # Another item with the same target is no evidence of chance: it is as right there.
        others = {other: count for other, count in wanted.items() if other != target}
        total = sum(others.values())
        if total:
            dealt[place] = sum(reached[o] * count for o, count in others.items()) / total
    return own, dealt
