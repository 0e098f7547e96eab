"""Final scores and gains by base, by family, by country and by side and size class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.leaderboard.analysis import clusters
from workbench.leaderboard.analysis.outcomes import OUTCOMES, of_outcome

if TYPE_CHECKING:
    import pandas as pd

#: Size classes by parameters of the root, in billions: each up to its bound.
SIZE_CLASSES = (
    ("under 4B", 4.0), ("4 to 10B", 10.0), ("10 to 40B", 40.0), ("over 40B", float("inf")),
)  # fmt: skip

RULE = (
    "Medians and means of community entries. Intervals: bootstrap by whole clusters "
    f"({clusters.DRAWS} draws): submitters for a base; bases and submitters for a family; families "
    "and submitters for a country, a side or a size class. None where a kind of cluster has fewer "
    f"than {clusters.FEWEST} members; with fewer than about 10 they are narrower than they should "
    "be."
)


def size_class(parameters_b: float) -> str:
    """The class of a root of so many billion parameters."""
    return next(name for name, bound in SIZE_CLASSES if parameters_b < bound)


def by_base(rows: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """An entry a base, most entries first."""
    return _each(rows, "root", {"submitters": "submitter"}, seed, _base_facts)


def by_family(rows: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """An entry a family, most entries first."""
    kinds = {"bases": "root", "submitters": "submitter"}
    return _each(rows, "family", kinds, seed, _family_facts)


def by_country(rows: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """An entry a country of the base's maker, most entries first."""
    kinds = {"families": "family", "submitters": "submitter"}
    return _each(rows, "country", kinds, seed, _side_facts)


def by_side(rows: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """Chinese bases and others: all together, then by size class of the base."""
    kinds = {"families": "family", "submitters": "submitter"}
    named = rows.assign(side=rows["chinese"].map({True: "Chinese bases", False: "other bases"}))
    found = [{"size": "all sizes", **one} for one in _each(named, "side", kinds, seed, _side_facts)]
    sized = named[named["root_parameters_b"].notna()]
    classes = sized["root_parameters_b"].map(size_class)
    for name, _ in SIZE_CLASSES:
        part = _each(sized[classes == name], "side", kinds, seed, _side_facts)
        found += [{"size": name, **one} for one in part]
    return found


def _each(
    rows: pd.DataFrame, by: str, kinds: dict[str, str], seed: int, facts: Any
) -> list[dict[str, Any]]:
    found = []
    for name, group in rows.groupby(by, sort=True):
        entry = {"name": str(name), **facts(group), "n": len(group)}
        entry["submitters"] = group["submitter"].nunique()
        for outcome in OUTCOMES:
            part = of_outcome(group, outcome)
            if len(part):
                columns = {kind: list(part[column]) for kind, column in kinds.items()}
                weights = clusters.draw(columns, seed=seed)
                values = part["y"].to_numpy(float)
                entry[outcome] = clusters.summary(values, weights)
            else:
                entry[outcome] = None
        found.append(entry)
    return sorted(found, key=lambda entry: (-entry["n"], entry["name"]))


def _base_facts(group: pd.DataFrame) -> dict[str, Any]:
    first = group.iloc[0]
    return {
        "family": str(first["family"]),
        "lab": first["lab"],
        "country": first["country"],
        "chinese": bool(first["chinese"]),
        "parameters_b": _number(first["root_parameters_b"]),
        "released": first["root_released"].date().isoformat()
        if not _missing(first["root_released"])
        else None,
        "base_score": _number(first["base_score"]),
        "instruct_scores": {
            str(name): float(score)
            for name, score in group.groupby("instruct")["instruct_score"].first().items()
        },
    }


def _family_facts(group: pd.DataFrame) -> dict[str, Any]:
    first = group.iloc[0]
    return {
        "lab": first["lab"],
        "country": first["country"],
        "chinese": bool(first["chinese"]),
        "bases": group["root"].nunique(),
    }


def _side_facts(group: pd.DataFrame) -> dict[str, Any]:
    return {
        "chinese": bool(group["chinese"].iloc[0]),
        "bases": group["root"].nunique(),
        "families": group["family"].nunique(),
        "labs": group["lab"].nunique(),
    }


def _number(value: Any) -> float | None:
    return None if _missing(value) else float(value)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def shares(rows: pd.DataFrame) -> dict[str, float]:
    """How entries of each side spread over size classes: what makes plain means misleading."""
    sized = rows[rows["root_parameters_b"].notna()]
    classes = sized["root_parameters_b"].map(size_class)
    return {
        f"{side}, {name}": float(np.mean(classes[sized["chinese"] == chinese] == name))
        for side, chinese in (("Chinese", True), ("other", False))
        for name, _ in SIZE_CLASSES
        if (sized["chinese"] == chinese).any()
    }
