"""Each base's best learning rate, chosen on half A, and what one fixed rate for all would say.

At one fixed rate models can rank otherwise than each at its own best (arXiv 2602.04998). What is
chosen on half A is told on half B, where the choice has no luck in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from workbench.study.words import counted, points

if TYPE_CHECKING:
    import pandas as pd

#: Pairs of bases named in a sentence.
NAMED = 3


def means(rows: pd.DataFrame, column: str) -> dict[str, dict[float, float]]:
    """``{base: {rate: mean}}`` of a column, over treatments, tasks and seeds alike.

    A rate at which an output failed is not compared: its mean would be over other tasks or seeds.
    """
    swept = rows[rows["rate"].notna()]
    found: dict[str, dict[float, float]] = {}
    for base, mine in swept.groupby("base", sort=True):
        cells = mine.groupby("rate").size()
        whole = cells.index[cells == cells.max()]
        tasks = mine[mine["rate"].isin(whole)].groupby(["rate", "treatment", "task"])[column].mean()
        by_rate = tasks.groupby("rate").mean().dropna()
        found[str(base)] = {float(rate): float(mean) for rate, mean in by_rate.items()}
    return found


def best_of(rows: pd.DataFrame, fixed: float | None) -> dict[str, float]:
    """Each base's best rate by its mean score on half A; the fixed one where it ties, else the
    lower."""
    return {
        base: max(scores, key=lambda rate: (scores[rate], rate == fixed, -rate))
        for base, scores in means(rows, "after_a").items()
        if scores
    }


def section(
    rows: pd.DataFrame, best: Mapping[str, float], fixed: float | None
) -> dict[str, Any] | None:
    """``results["study"]["rates"]``; ``None`` without a sweep.

    ``scores`` of a base are on half B, ``scores_a`` on half A, by which the best was chosen.
    """
    tried = sorted({float(rate) for rate in rows["rate"].dropna()})
    if len(tried) < 2:
        return None
    judged, chosen = means(rows, "after"), means(rows, "after_a")
    bases = {
        base: {
            "scores": {f"{rate:g}": score for rate, score in judged[base].items()},
            "scores_a": {f"{rate:g}": score for rate, score in chosen[base].items()},
            "best": rate_of_base,
            "fixed": fixed,
        }
        for base, rate_of_base in best.items()
    }
    return {
        "tried": tried,
        "fixed": fixed,
        "bases": bases,
        "reversals": _reversals(judged, best, fixed),
    }


def _reversals(
    judged: Mapping[str, Mapping[float, float]], best: Mapping[str, float], fixed: float | None
) -> dict[str, Any] | None:
    """Pairs of bases that change places between the fixed rate and each one's best."""
    if fixed is None:
        return None
    known = [base for base in best if fixed in judged[base] and best[base] in judged[base]]
    pairs, turned = 0, []
    for one, other in combinations(known, 2):
        at_fixed = judged[one][fixed] - judged[other][fixed]
        at_best = judged[one][best[one]] - judged[other][best[other]]
        pairs += 1
        if at_fixed * at_best < 0:
            turned.append((abs(at_fixed) + abs(at_best), one, other, at_fixed, at_best))
    if not pairs:
        return None
    turned.sort(reverse=True)
    words = [
        f"{len(turned)} of {counted(pairs, 'pair')} of bases change places between the fixed rate "
        f"{fixed:g} and each one's best."
    ]
    words += [
        f"{one} against {other}: {points(then, sign=True)} points at the fixed rate, "
        f"{points(now, sign=True)} at each one's best."
        for _, one, other, then, now in turned[:NAMED]
    ]
    return {"pairs": pairs, "reversed": len(turned), "words": words}
