"""What an interval says: higher, lower, as good as equal, or nothing that can be told."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["higher", "lower", "equivalent", "cannot tell"]


def tost(value: float, error: float, df: float, margin: float) -> float:
    """p of two one-sided tests against a difference of ``margin`` or more, either way.

    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680. It is at most 0.05 exactly where
    the 90% interval lies within the margins.

    Raises:
        ValueError: the margin is not positive.
    """
    from scipy.stats import t

    if margin <= 0:
        raise ValueError(f"a margin above 0, not {margin}")
    if error == 0:
        return 0.0 if abs(value) < margin else 1.0
    return float(t.sf((margin - abs(value)) / error, df))


def conclude(
    ci95: tuple[float, float],
    ci90: tuple[float, float],
    *,
    margin: float | None,
    p_permutation: float | None,
    alpha: float = 0.05,
) -> Verdict:
    """The verdict on a difference.

    ``equivalent`` where ``ci90`` lies within ± ``margin``, even where zero is excluded: the
    difference is there and does not matter. ``higher`` or ``lower`` where ``ci95`` excludes zero
    and the permutation's p is at most ``alpha``; without a permutation's p (``None``) neither. The
    levels of the intervals are for an ``alpha`` of 0.05: 1 - ``alpha`` and 1 - 2 ``alpha``.
    """
    if margin is not None and -margin < ci90[0] and ci90[1] < margin:
        return "equivalent"
    if p_permutation is not None and p_permutation <= alpha:
        if ci95[0] > 0:
            return "higher"
        if ci95[1] < 0:
            return "lower"
    return "cannot tell"
