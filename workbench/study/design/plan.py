"""A study as the engine runs it: the matrix, the bases' facts, and what was decided beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.study.design.config import StudyConfig
from workbench.study.design.groups import BaseFacts
from workbench.study.design.matrix import Cell


@dataclass(frozen=True)
class Registered:
    """What was decided before the first result, and its hash (12 hex digits)."""

    hash: str
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class StudyPlan:
    """A study, resolved.

    ``treatments`` are in the order of the recipe: hypotheses look at the first. ``hypotheses``
    maps the name of each to all its options, ``registered`` names those that are. ``tasks`` are
    those that count, by the names that scores have: of a group, its members. ``suspect`` and
    ``fresh`` are files; where ``config.suspect`` names a task of the suite, ``suspect`` is
    ``None``. ``item_identity`` says what the items are. ``rates`` are all learning rates tried,
    empty without a sweep. ``seeds`` are the recipe's.
    """

    config: StudyConfig
    cells: tuple[Cell, ...]
    bases: Mapping[str, BaseFacts]
    treatments: tuple[str, ...]
    tasks: tuple[str, ...]
    hypotheses: Mapping[str, Mapping[str, Any]]
    registered: tuple[str, ...]
    suspect: Path | None
    fresh: Path | None
    item_identity: Mapping[str, Any]
    rates: tuple[float, ...]
    fixed_rate: float | None
    seeds: tuple[int, ...]
    registration: Registered

    @property
    def planted(self) -> bool:
        """Whether causes were planted in its bases: it then tells how well the probes find them."""
        return any(facts.cause is not None for facts in self.bases.values())
