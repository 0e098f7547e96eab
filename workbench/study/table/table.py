"""A before/after table as it was read, ready to be analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StudyTable:
    """``frame`` has the columns of :data:`workbench.study.scores.frame.COLUMNS`, in shares of 1.

    ``asked`` and ``others`` are the sides' names in words; ``mapping`` says which header is which
    column; ``source`` is what ``results.json`` tells of the file.
    """

    frame: pd.DataFrame
    path: Path
    asked: str
    others: str
    mapping: Mapping[str, str]
    source: Mapping[str, Any]
    notices: tuple[Problem, ...] = ()
