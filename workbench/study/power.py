"""What a design can tell: the smallest difference between groups that it would find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Power:
    """What a design can tell.

    ``smallest`` is the difference (in score, 0 to 1) found at the power asked for, ``None`` where
    no difference is. ``curve`` pairs differences with the power to find them; ``more`` says what
    two more families a group, and two more seeds, would bring.
    """

    smallest: float | None
    can_answer: bool
    reason: str
    curve: tuple[tuple[float, float], ...]
    more: tuple[str, ...]


def design_power(
    groups: Mapping[str, Mapping[str, int]],
    *,
    seeds: int,
    items: int,
    spread: float,
    asked: str,
    base_spread: float | None = None,
    seed_spread: float = 0.01,
    score: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Power:
    """The smallest group difference that the study's own test finds with ``power``."""
    raise NotImplementedError
