"""Which rows are left out, or kept one for many, to see whether the answers hang on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    Change = Callable[[pd.DataFrame], pd.DataFrame]

#: The share of entries that "the top" is.
TOP = 0.05
#: Points lost to the raw base beyond which an entry is taken for a broken run.
COLLAPSED = 5.0


def changes(rows: pd.DataFrame, suspects: Set[str]) -> Iterator[tuple[str, str, Change]]:
    """Name, remark and the change itself. ``suspects`` are the entries flagged by the analysis."""
    flagged = int(rows["flagged"].fillna(False).astype(bool).sum())
    yield (
        "without flagged rows",
        f"{flagged} of these rows are flagged in the export",
        lambda d: d[~d["flagged"].fillna(False).astype(bool)],
    )
    yield (
        "without one-benchmark risers",
        "entries that this analysis flags",
        lambda d: d[~d["model"].isin(suspects)],
    )
    yield "without merges", "", lambda d: d[d["method"] != "merge"]
    yield (
        "without the top 5%",
        "by final score; this cuts the side that ends higher the more, whatever the reason",
        lambda d: d[d["average"] <= d["average"].quantile(1 - TOP)],
    )
    yield (
        "one row a submitter and base",
        "the one in the middle, by final score",
        _one_each,
    )
    for chinese, side in ((True, "Chinese"), (False, "other")):
        sizes = rows.loc[rows["chinese"] == chinese, "family"].value_counts()
        if len(sizes):
            largest = str(sizes.index[0])
            yield f"without the largest {side} family", largest, _without_family(largest)
    yield (
        "only placed by declaration",
        "without what makers or papers say elsewhere",
        lambda d: d[d["placed_by"] == "declaration"],
    )
    yield (
        "only what declares its root itself",
        "no mirror, no model in between",
        lambda d: d[d["direct"]],
    )
    yield (
        "not made from the maker's instruct model",
        "entries whose declared way to the root passes it are left out",
        lambda d: d[d["parent_instruct"].isna()],
    )
    yield "only weights still on the hub", "", lambda d: d[d["available"].fillna(False)]
    yield (
        "without collapsed entries",
        f"those that lost more than {COLLAPSED:g} points to their raw base, by the outcome itself",
        lambda d: d[~(d["gain_base"] < -COLLAPSED)],
    )
    yield (
        "only sizes and release dates that both sides have",
        "bases smaller, larger, older or younger than all of the other side's are left out",
        _shared_support,
    )
    yield (
        "only rows with all three outcomes",
        "so that the three answers are of the same rows",
        lambda d: d[d[["average", "gain_base", "gain_instruct"]].notna().all(axis=1)],
    )


def _shared_support(rows: pd.DataFrame) -> pd.DataFrame:
    left = rows
    for column in ("root_parameters_b", "root_released"):
        sides = rows.groupby("chinese")[column]
        low, high = sides.min().max(), sides.max().min()
        left = left[(left[column] >= low) & (left[column] <= high)]
    return left


def _without_family(name: str) -> Change:
    return lambda rows: rows[rows["family"] != name]


def _one_each(rows: pd.DataFrame) -> pd.DataFrame:
    ranked = rows.sort_values(["average", "model"])
    place = ranked.groupby(["submitter", "root"]).cumcount()
    size = ranked.groupby(["submitter", "root"])["average"].transform("size")
    middle = np.floor((size - 1) / 2)
    return ranked[place == middle].sort_index()
