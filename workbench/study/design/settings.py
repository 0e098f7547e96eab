"""What a study asked, and what counts as an answer: decided before its analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.study.design.groups import BaseFacts


@dataclass(frozen=True)
class Settings:
    """What was asked, and what counts as an answer.

    ``margin`` is the difference in score (0 to 1) that does not matter; ``registered`` names the
    hypotheses decided on before; ``facts`` are those of the bases; ``spread`` the standard
    deviation of the gain between families that was assumed before anything was measured. ``table``
    says that somebody else measured.
    """

    question: str
    asked: str
    others: str
    margin: float = 0.03
    alpha: float = 0.05
    power: float = 0.8
    spread: float = 0.05
    seed: int = 0
    permutations: int = 9999
    registered: tuple[str, ...] = ()
    facts: Mapping[str, BaseFacts] = field(default_factory=dict)
    table: bool = False
    bayesian: bool = False
