"""What an entry gained over its raw base and over the maker's own instruct model.

Which row speaks for a base or an instruct model that the table has several times is the rule of
:func:`workbench.leaderboard.table.duplicates.represent`; it never looks at the score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.leaderboard.table.names import catalogued
from workbench.leaderboard.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


def gains(table: Table) -> Table:
    """``table`` (placed) with gains in points, for derived entries and official instruct models.

    ``gain_base`` is the entry's average minus that of its root, where the root is a raw base in the
    table. ``gain_instruct`` is the same over the maker's own instruct model of that root: the
    nearest one the entry descends from if that is in the table, else the catalogue's first that is.
    ``headroom_gain`` is ``gain_base / (100 - base_score)``: the share of what was left to gain.
    """
    frame = table.frame.copy()
    speaking = frame[frame["represents"] & frame["role"].isin(["base", "instruct"])]
    scores = speaking.set_index("hub_id")["average"]
    derived = frame["role"] == "derived"
    measured = derived | (frame["role"] == "instruct")
    raw = frame["root"].where(measured & (frame["root_kind"] == "base"))
    frame["base_score"] = raw.map(scores)
    frame["gain_base"] = frame["average"] - frame["base_score"]
    frame["headroom_gain"] = frame["gain_base"] / (100 - frame["base_score"])
    frame["instruct"] = _instructs(frame, derived, scores)
    frame["instruct_score"] = frame["instruct"].map(scores).astype(float)
    frame["gain_instruct"] = frame["average"] - frame["instruct_score"]
    roots = frame.loc[derived, "root"].drop_duplicates()
    return table.having(
        frame,
        with_gain_over_base=int(frame.loc[derived, "gain_base"].notna().sum()),
        with_gain_over_instruct=int(frame.loc[derived, "gain_instruct"].notna().sum()),
        roots_without_a_score=sorted(set(roots) - set(scores.index)),
        roots_without_an_instruct_score=sorted(
            set(roots) - set(frame.loc[derived & frame["instruct"].notna(), "root"])
        ),
    )


def _instructs(frame: pd.DataFrame, derived: pd.Series, scores: pd.Series) -> pd.Series:
    first: dict[str, str] = {}
    for entry in catalogued().values():
        if entry.kind == "instruct" and entry.hub_id in scores.index:
            first.setdefault(entry.base_of_instruct or entry.hub_id, entry.hub_id)
    own = frame["parent_instruct"].where(frame["parent_instruct"].isin(scores.index))
    return own.where(own.notna(), frame["root"].map(first)).where(derived)
