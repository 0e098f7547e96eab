"""What "these bases fine-tune better" can mean, in seven senses, each with its interval and verdict.

They can disagree on the same data (Lord's paradox): a group that starts higher ends higher with a
smaller gain. A report shows all of them, so all are computed together here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["higher", "lower", "equivalent", "cannot tell"]
NAMES = (
    "final",
    "gain",
    "final_at_compute",
    "gain_at_compute",
    "gain_at_start",
    "headroom_gain",
    "logit_gain",
)


@dataclass(frozen=True)
class Estimand:
    """The group difference in one sense: positive where the group asked about does better."""

    name: str
    title: str
    unit: Literal["score", "share", "logit"]
    main: bool
    value: float | None
    ci95: tuple[float, float] | None
    ci90: tuple[float, float] | None
    p: float | None
    p_permutation: float | None
    permutations: int | None
    df: float | None
    n_rows: int
    n_bases: int
    n_families: int
    method: str
    margin: float | None
    verdict: Verdict
    words: str
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    bases: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    missing: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For results.json: no tuples, no NaN."""
        raise NotImplementedError


def estimands(
    frame: pd.DataFrame,
    *,
    asked: str,
    margin: float,
    alpha: float,
    seed: int,
    permutations: int = 9999,
) -> list[Estimand]:
    """All seven, in the order of ``NAMES``; one that cannot be estimated says why in ``missing``."""
    raise NotImplementedError


def interaction(frame: pd.DataFrame, *, asked: str, seed: int = 0) -> dict[str, Any] | None:
    """Whether the difference in gain differs between tasks: ``{"p", "words", "tasks"}``.

    ``None`` with one task, or where it cannot be told.
    """
    raise NotImplementedError


def variance(frame: pd.DataFrame, *, asked: str) -> dict[str, Any] | None:
    """Standard deviations of the gain: ``{"sd": {family, base, seed, residual}, "method"}``."""
    raise NotImplementedError
