"""The leaderboard's one formula: an accuracy as points between chance and perfect.

A score becomes ``100 * max(0, (score - floor) / (1 - floor))``, where the floor is what guessing
gives: 1 / choices for multiple choice, 0 for generation. Source: the leaderboard's documentation
(https://huggingface.co/docs/leaderboards/open_llm_leaderboard/normalization). Which scores are
normalised on their own and how they are averaged stands in ``schemes/``.
"""

from __future__ import annotations


def normalise(score: float, floor: float) -> float:
    """``score`` (0 to 1) as points above ``floor`` (0 to 100); below the floor it is 0."""
    return max(0.0, unclipped(score, floor))


def unclipped(score: float, floor: float) -> float:
    """:func:`normalise` before the clip: negative below ``floor``.

    Raises:
        ValueError: ``floor`` is not in [0, 1).
    """
    if not 0 <= floor < 1:
        raise ValueError(f"a floor lies in [0, 1), not {floor}")
    return 100 * (score - floor) / (1 - floor)


def accuracy_of(points: float, floor: float) -> float:
    """The accuracy that gives ``points``; for 0 points the floor, the best of those that do."""
    return floor + (1 - floor) * points / 100
