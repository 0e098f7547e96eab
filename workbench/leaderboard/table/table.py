"""A leaderboard's table as it was read: a row an entry, and what had to be done to get there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """One row an entry in ``frame``; its columns are named in the room's ``__init__``.

    ``seams`` counts what the data lacks and what was done about it, ready for JSON. ``notices`` are
    remarks for whoever reads the report: columns of other spellings, rows left out.
    """

    frame: pd.DataFrame
    path: Path
    sha256: str
    seams: dict[str, Any] = field(default_factory=dict)
    notices: tuple[Problem, ...] = ()

    def having(self, frame: pd.DataFrame, **seams: Any) -> Table:
        """The same table with further columns and further counts."""
        return replace(self, frame=frame, seams={**self.seams, **seams})
