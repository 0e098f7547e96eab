"""A group difference in one sense, with its interval, its verdict, and what it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.compare.equivalence import Verdict
from workbench.study.statistics.model import METHOD
from workbench.study.statistics.senses import Unit


@dataclass(frozen=True)
class Estimand:
    """The group difference in one sense: positive where the group asked about does better.

    ``value`` is ``None``, and ``missing`` says why, where it cannot be estimated; where it can but
    nothing can be said of its error, intervals and p are ``None`` and ``missing`` says why.
    ``least_p`` is the smallest p that so few families allow the permutation. ``tasks`` has the
    difference on each task alone, ``bases`` each base's own value (at the mean of what is held
    equal), ``left_out`` the difference without one family after the other. ``collapsed`` counts
    the rows left out because the run collapsed; ``with_collapsed`` is the value with them.
    """

    name: str
    title: str
    unit: Unit
    main: bool
    value: float | None = None
    ci95: tuple[float, float] | None = None
    ci90: tuple[float, float] | None = None
    p: float | None = None
    p_permutation: float | None = None
    permutations: int | None = None
    least_p: float | None = None
    df: float | None = None
    n_rows: int = 0
    n_bases: int = 0
    n_families: int = 0
    method: str = METHOD
    margin: float | None = None
    verdict: Verdict = "cannot tell"
    words: str = ""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    bases: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    collapsed: int = 0
    with_collapsed: float | None = None
    missing: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For results.json: lists for tuples."""
        found = asdict(self)
        for name in ("ci95", "ci90"):
            found[name] = None if found[name] is None else list(found[name])
        return found
