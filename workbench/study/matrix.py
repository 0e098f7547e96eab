"""The matrix of a study: bases x treatments x rates x seeds, as ordinary outputs of a plan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One output that a study ordered of one base (made once for every seed of the recipe).

    ``treatment`` is the name under ``study.treatment``; ``rate`` the learning rate, where it is
    one of a sweep; ``arm`` the arm of a hypothesis that ordered it, else empty. ``fixed`` marks
    the cell at the study's fixed rate, which every hypothesis knows as the arm ``treatment``.
    """

    output: str
    base: str
    treatment: str
    rate: float | None = None
    arm: str = ""
    hypothesis: str = ""
    fixed: bool = False
