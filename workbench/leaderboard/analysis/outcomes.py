"""What "fine-tune best" can mean in a table, and which rows each meaning is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """One meaning. ``column`` is the frame's, ``unit`` what its values count."""

    title: str
    column: str
    unit: str = "points"


#: In the order in which they are told. The first three are the question's.
OUTCOMES: Mapping[str, Outcome] = {
    "final": Outcome("final score", "average"),
    "gain_base": Outcome("gain over base", "gain_base"),
    "gain_instruct": Outcome("gain over instruct", "gain_instruct"),
    "headroom": Outcome("gain in % of headroom", "headroom", "% of what was left to gain"),
}
QUESTION = ("final", "gain_base", "gain_instruct")

COMMUNITY_RULE = (
    "Community entries: placed under a root in the catalogue, neither the root itself nor an "
    "official instruct model, and not submitted by the root's maker; one row a model."
)


def community(frame: pd.DataFrame) -> pd.DataFrame:
    """The community's entries of a placed table, with what the analysis adds to their columns.

    Added: ``headroom`` (``headroom_gain`` in per cent), ``method`` (merge where the entry is one,
    else chat, else finetune), ``family`` and ``lab`` (the root itself where the catalogue names
    none).
    """
    import numpy as np

    rows = frame[(frame["role"] == "derived") & ~frame["maker_own"].fillna(False).astype(bool)]
    rows = rows[rows["represents"] & rows["chinese"].notna() & rows["average"].notna()].copy()
    rows["chinese"] = rows["chinese"].astype(bool)
    rows["headroom"] = 100 * rows["headroom_gain"]
    merged = rows["merged"].fillna(False).astype(bool) | (rows["type"] == "merge")
    rows["method"] = np.where(merged, "merge", np.where(rows["type"] == "chat", "chat", "finetune"))
    for column in ("family", "lab"):
        rows[column] = rows[column].where(rows[column].notna(), rows["root"])
    return rows.reset_index(drop=True)


def of_outcome(rows: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """The rows in which ``outcome`` is known, with its values as ``y``."""
    column = OUTCOMES[outcome].column
    return rows[rows[column].notna()].assign(y=lambda d: d[column].astype(float))
