"""How the three answers change when rows are left out, or counted otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.leaderboard.analysis.answers import verdict
from workbench.leaderboard.analysis.mixed import CONTROLS, CannotFit, complete, country, counts
from workbench.leaderboard.analysis.outcomes import QUESTION, of_outcome

if TYPE_CHECKING:
    import pandas as pd

    Change = Callable[[pd.DataFrame], pd.DataFrame]

TOP = 0.05


def robustness(
    rows: pd.DataFrame,
    *,
    suspects: Set[str],
    seed: int,
    wider: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """A line a change: the three answers on the rows that it leaves.

    ``rows`` are the community's; ``wider`` names further sets of rows (placed by other means).
    """
    scenarios: list[tuple[str, str, pd.DataFrame]] = [("as answered", "", rows)]
    scenarios += [(name, why, change(rows)) for name, why, change in _changes(rows, suspects)]
    scenarios += [
        (name, f"{len(other) - len(rows)} entries more than were answered on", other)
        for name, other in (wider or {}).items()
    ]
    found = []
    base: dict[str, Any] = {}
    for name, why, left in scenarios:
        answers = {outcome: _answer(left, outcome, seed) for outcome in QUESTION}
        base = base or answers
        found.append(
            {
                "name": name,
                "why": why,
                "removed": len(rows) - len(left),
                "n": len(left),
                "answers": answers,
                "changed": [
                    outcome
                    for outcome in QUESTION
                    if answers[outcome].get("verdict") != base[outcome].get("verdict")
                ],
            }
        )
    return found


def by_left_out(rows: pd.DataFrame, column: str) -> dict[str, Any]:
    """Each answer's value without one family (or lab) after the other: the extremes, named."""
    found: dict[str, Any] = {}
    for outcome in QUESTION:
        usable = complete(of_outcome(rows, outcome))
        values = []
        for name in sorted(usable[column].dropna().unique()):
            try:
                effect = country(usable[usable[column] != name], CONTROLS).country
            except CannotFit:
                continue
            values.append({"without": str(name), "value": effect.value, "ci95": list(effect.ci95)})
        if values:
            values.sort(key=lambda one: one["value"])
            found[outcome] = {"lowest": values[0], "highest": values[-1], "times": len(values)}
    return found


def _answer(rows: pd.DataFrame, outcome: str, seed: int) -> dict[str, Any]:
    usable = complete(of_outcome(rows, outcome))
    try:
        fitted = country(usable, CONTROLS, seed=seed)
    except (CannotFit, ValueError) as error:
        return {"value": None, "ci95": None, "n": len(usable), "verdict": None, "why": str(error)}
    told = fitted.json()
    return {
        **{key: told[key] for key in ("value", "ci95", "p", "permutation", "df", "singular")},
        **counts(usable),
        "verdict": verdict(told),
    }


def _changes(rows: pd.DataFrame, suspects: Set[str]) -> Iterator[tuple[str, str, Change]]:
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
            yield (
                f"without the largest {side} family",
                str(sizes.index[0]),
                lambda d, name=sizes.index[0]: d[d["family"] != name],
            )
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
        "those that lost more than 5 points to their raw base: broken runs rather than fine-tunes",
        lambda d: d[~(d["gain_base"] < -5)],
    )
    yield (
        "only rows with all three outcomes",
        "so that the three answers are of the same rows",
        lambda d: d[d[["average", "gain_base", "gain_instruct"]].notna().all(axis=1)],
    )


def _one_each(rows: pd.DataFrame) -> pd.DataFrame:
    ranked = rows.sort_values(["average", "model"])
    place = ranked.groupby(["submitter", "root"]).cumcount()
    size = ranked.groupby(["submitter", "root"])["average"].transform("size")
    middle = np.floor((size - 1) / 2)
    return ranked[place == middle].sort_index()
