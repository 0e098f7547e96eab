"""The best of n rises with n: bases compared by the best of equally many entries.

What the best of m entries of a base would be is computed over all ways to draw m of its n without
replacement, exactly, from the order statistics; nothing is simulated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.leaderboard.analysis import clusters
from workbench.leaderboard.analysis.clusters import Array
from workbench.leaderboard.analysis.mixed import CannotFit, complete, country
from workbench.leaderboard.analysis.outcomes import OUTCOMES, QUESTION, of_outcome

if TYPE_CHECKING:
    import pandas as pd

#: The number of entries at which bases are compared, and others beside it.
EQUAL = 5
ALSO = (3, 10)
#: Where a curve has its points, up to the base's own n.
CURVE = (1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 160, 220, 320, 450, 640)
CONTROLS = ("log size", "release date")

RULE = (
    f"Expected best of m entries of a base, drawn without replacement, exactly; intervals by "
    f"submitters (bootstrap, {clusters.DRAWS} draws), up to half of the base's entries, where "
    f"resampling a maximum is sound. Sides are compared at m = {EQUAL}, base by base, bases with "
    "fewer entries left out: mixed model, family random, log size and release date fixed."
)


def expected_best(values: Array, draw: int) -> float:
    """The mean, over all ways to draw ``draw`` of the values without replacement, of the largest.

    The i-th smallest of n is the largest of the draw in C(i-1, draw-1) of C(n, draw) ways.

    Raises:
        ValueError: ``draw`` is not between 1 and the number of values.
    """
    return float(np.sort(values) @ chances(len(values), draw))


def chances(n: int, draw: int) -> Array:
    """The chance of each of n values, sorted upwards, to be the largest of ``draw``."""
    if not 1 <= draw <= n:
        raise ValueError(f"{draw} of {n} cannot be drawn")
    return np.diff(_below(np.arange(n + 1.0), n, draw))


def _below(counts: Array, total: Array | int, draw: int) -> Array:
    """The chance that all of the draw are among so many of the total: C(count, m) / C(total, m)."""
    from scipy.special import gammaln

    counts, total = np.asarray(counts, dtype=float), np.asarray(total, dtype=float)
    room = np.maximum(counts - draw, 0)
    logs = gammaln(counts + 1) - gammaln(room + 1) - gammaln(total + 1) + gammaln(total - draw + 1)
    return np.where(counts >= draw, np.exp(logs), 0.0)


def selection(rows: pd.DataFrame, *, seed: int) -> dict[str, Any]:
    """Curves a base, and the sides at equal n against what the plain best would say."""
    return {
        "rule": RULE,
        "equal": EQUAL,
        "bases": {name: _curves(rows, name, seed) for name in QUESTION},
        "sides": {
            name: [
                {"m": m, **found}
                for m in sorted({EQUAL, *ALSO})
                if (found := compare_sides(rows, name, m)) is not None
            ]
            for name in OUTCOMES
        },
        "luck_of_numbers": {name: _numbers(rows, name) for name in QUESTION},
        "cannot": (
            "What was tried and never submitted cannot be seen: a base whose users submit only "
            "their best looks better at any n."
        ),
    }


def best_by_base(rows: pd.DataFrame, equal: int) -> pd.DataFrame:
    """One row a base with ``equal`` entries at least: its best, its expected best of ``equal``."""
    import pandas as pd

    found = []
    for _, group in rows.groupby("root", sort=True):
        if len(group) >= equal:
            values = group["y"].to_numpy(float)
            first = group.iloc[0].to_dict()
            first |= {"n": len(group), "best": values.max()}
            found.append({**first, "at_equal": expected_best(values, equal)})
    return pd.DataFrame(found)


def compare_sides(rows: pd.DataFrame, outcome: str, equal: int = EQUAL) -> dict[str, Any] | None:
    """Chinese bases against others by their best of all entries, and by the best of equally many.

    The first is what a leaderboard's top shows; their difference is what numbers alone bring.
    ``None`` where too few bases have enough entries.
    """
    bases = best_by_base(complete(of_outcome(rows, outcome)), equal)
    if not len(bases) or bases["chinese"].nunique() < 2:
        return None
    found: dict[str, Any] = {
        "n": int(bases["n"].sum()),
        "bases": len(bases),
        "families": bases["family"].nunique(),
        "bases_chinese": int(bases["chinese"].sum()),
        "entries_per_base": {
            side: float(bases.loc[bases["chinese"] == chinese, "n"].mean())
            for side, chinese in (("chinese", True), ("other", False))
        },
    }
    bases = bases.assign(brought=bases["best"] - bases["at_equal"])
    for key, column in (
        ("best_of_all", "best"),
        ("best_of_equal", "at_equal"),
        ("numbers_bring", "brought"),
    ):
        try:
            fitted = country(bases.assign(y=bases[column]), CONTROLS, random=("family",))
        except CannotFit as error:
            return {**found, "why": str(error)}
        effect = fitted.country
        found[key] = {"value": effect.value, "ci95": list(effect.ci95), "df": effect.df}
    found["numbers_bring_ci95"] = found["numbers_bring"]["ci95"]
    found["numbers_bring"] = found["numbers_bring"]["value"]
    return found


def _numbers(rows: pd.DataFrame, outcome: str) -> dict[str, Any] | None:
    """How the best and the expected best of equally many go with the number of entries, by rank."""
    from workbench.compare.ranks import rank_agreement

    bases = best_by_base(of_outcome(rows, outcome), EQUAL)
    if len(bases) < 4:
        return None
    found = {}
    bases = bases.assign(brought=bases["best"] - bases["at_equal"])
    for key, column in (
        ("best_of_all", "best"),
        ("best_of_equal", "at_equal"),
        ("numbers_bring", "brought"),
    ):
        agreed = rank_agreement(bases["n"], bases[column])
        found[key] = {
            "spearman": agreed.spearman,
            "ci95": list(agreed.ci95) if agreed.ci95 else None,
            "n": agreed.n,
        }
    return found


def _curves(rows: pd.DataFrame, outcome: str, seed: int) -> list[dict[str, Any]]:
    found = []
    for name, group in of_outcome(rows, outcome).groupby("root", sort=True):
        if len(group) < EQUAL:
            continue
        values = group["y"].to_numpy(float)
        n = len(values)
        weights = clusters.draw({"submitters": list(group["submitter"])}, seed=seed)
        found.append(
            {
                "name": str(name),
                "chinese": bool(group["chinese"].iloc[0]),
                "n": n,
                "submitters": group["submitter"].nunique(),
                "best": float(values.max()),
                "best_model": str(group.loc[group["y"].idxmax(), "model"]),
                "at_equal": _point(values, EQUAL, weights),
                "curve": [_point(values, m, weights) for m in sorted({*_until(n), n})],
            }
        )
    return sorted(found, key=lambda base: -base["at_equal"]["value"])


def _until(n: int) -> list[int]:
    return [m for m in CURVE if m <= n]


def _point(values: Array, m: int, weights: clusters.Weights) -> dict[str, Any]:
    ci95 = None
    if weights.enough and 2 * m <= len(values):
        ci95 = clusters.interval(best_of_weighted(values, weights.matrix, m))
    return {"m": m, "value": expected_best(values, m), "ci95": ci95}


def best_of_weighted(values: Array, weights: Array, m: int) -> Array:
    """The expected best of m in each draw of the bootstrap, in which values stand several times."""
    order = np.argsort(values)
    counts = weights[:, order]
    counts = counts[counts.sum(axis=1) >= m]
    reached = np.cumsum(counts, axis=1)
    below = _below(reached, reached[:, -1:], m)
    chance = np.diff(below, axis=1, prepend=0.0)
    return np.asarray(chance @ values[order])
