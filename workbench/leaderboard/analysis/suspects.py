"""Entries that rise on one benchmark only: trained for it, or on its items.

An entry is set beside its siblings, the models made from the same parent (or, where that has too
few, from the same root). How far it stands above their median on a benchmark is compared with what
its other five benchmarks let expect, by a regression over all entries that a few cannot bend
(Huber's). What is left, divided by its own spread (from the median absolute deviation), is the z
that flags; how many false flags there may be is held down by Benjamini and Hochberg (1995).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.leaderboard.analysis.clusters import Array

if TYPE_CHECKING:
    import pandas as pd

Flags = npt.NDArray[np.bool_]

BENCHMARKS = ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro")
NAMES = dict(
    zip(BENCHMARKS, ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MuSR", "MMLU-PRO"), strict=True)
)
FALSE_FLAGS = 0.01
#: Fewer siblings give no median to stand beside.
SIBLINGS = 3
#: Fewer entries give no regression on five benchmarks worth its name.
FEWEST = 60
#: How many spreads above its siblings a risen benchmark stands, before anything is expected.
RISEN = 2.0
HUBER = 1.345

RULE = (
    f"Entries with {SIBLINGS} siblings at least. Residual of the deviation from the siblings' "
    "median on one benchmark, given the other five (Huber regression over all entries), over "
    "1.4826 times its median absolute deviation; flagged where the entry itself stands "
    f"{RISEN:g} spreads above its siblings and the one-sided normal p passes Benjamini-Hochberg at "
    f"{FALSE_FLAGS}. The normal is optimistic: the residuals have heavier tails, so each "
    "benchmark's falls of the same size are counted beside its flags (falls have causes of their "
    "own: broken runs). A flag says that the profile is odd, not that somebody cheated: a model "
    "trained for mathematics is flagged for MATH."
)


def suspects(frame: pd.DataFrame) -> dict[str, Any]:
    """The flagged entries, most striking first, and what was tested.

    ``frame`` is the whole placed table: an entry without a root has siblings all the same if it
    declares the parent that they declare.
    """
    rows = _families(frame)
    deviations, counts = _deviations(rows)
    tested = counts >= SIBLINGS
    if tested.sum() < FEWEST:
        why = f"{tested.sum()} entries with siblings are too few to tell what is odd"
        nothing = {"tested": 0, "entries_tested": 0, "flagged": [], "benchmarks": {}}
        return {"rule": RULE, **nothing, "why": why}
    rows, deviations, counts = rows[tested], deviations[tested], counts[tested]
    left = np.column_stack([_residual(deviations, k) for k in range(len(BENCHMARKS))])
    # A median of few siblings wavers: variance pi / 2 of one over their number.
    wavers = np.sqrt(1 + np.pi / 2 / counts)[:, None]
    z = _over_spread(left / wavers)
    risen = _over_spread(deviations / wavers) >= RISEN
    q = _adjusted(z)
    flags = risen & (q <= FALSE_FLAGS)
    found = [
        _told(rows.iloc[i], k, deviations[i], deviations[i, k] - left[i, k], z[i, k], q[i, k],
              int(counts[i]), risen[i])
        for i, k in zip(*np.nonzero(flags), strict=True)
    ]  # fmt: skip
    return {
        "rule": RULE,
        "tested": len(rows) * len(BENCHMARKS),
        "entries_tested": len(rows),
        "flagged": sorted(found, key=lambda one: -one["z"]),
        "benchmarks": {name: _both_ways(z[:, k], flags[:, k]) for k, name in enumerate(BENCHMARKS)},
    }


def flagged_models(found: dict[str, Any]) -> set[str]:
    """The names of the flagged entries."""
    return {one["entry"] for one in found["flagged"]}


def _families(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a model, raw bases left out, with the parent it is compared under (``stem``).

    That is its own parent, if enough others were made from it, else its root.
    """
    known = frame[frame["represents"] & frame[list(BENCHMARKS)].notna().all(axis=1)]
    known = known[known["role"] != "base"]
    parent = known["parent"].where(known["parent"].notna(), _declared(known))
    counts = parent.value_counts()
    # The parent itself stands beside its children, unless it is a raw base.
    beside = counts.index.to_series().isin(set(known["hub_id"])).astype(int)
    enough = parent.map(counts + beside).fillna(0) > SIBLINGS
    return known.assign(stem=parent.where(enough, known["root"])).reset_index(drop=True)


def _declared(known: pd.DataFrame) -> pd.Series:
    """What entries without a place declare, where it is not themselves."""
    declared = known["declared_base"]
    return declared.where(declared.notna() & (declared != known["model"]))


def _deviations(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Each entry's points above the median of its siblings, itself left out; and their number.

    Siblings are the models under the same stem, and the stem itself if it is no raw base. Official
    instruct models are siblings but are not judged: the number is 0.
    """
    values = rows[list(BENCHMARKS)].to_numpy(float)
    at = {str(name): place for place, name in enumerate(rows["hub_id"])}
    out = np.zeros_like(values)
    counts = np.zeros(len(rows))
    for stem, places in rows.groupby("stem").indices.items():
        all_of = np.union1d(places, [at[str(stem)]]) if str(stem) in at else places
        for place in places:
            others = all_of[all_of != place]
            if len(others) and rows["role"].iloc[place] != "instruct":
                out[place] = values[place] - np.median(values[others], axis=0)
                counts[place] = len(others)
    return out, counts


def _both_ways(z: Array, flags: Flags) -> dict[str, int]:
    """How many were flagged, and how many fell as far as the least of them rose."""
    least = z[flags].min() if flags.any() else np.inf
    return {"flags": int(flags.sum()), "falls_as_large": int((z <= -least).sum())}


def _residual(deviations: Array, k: int) -> Array:
    """What the other five do not explain, by Huber's regression."""
    y = deviations[:, k]
    x = np.column_stack([np.ones(len(y)), np.delete(deviations, k, axis=1)])
    weights = np.ones(len(y))
    left = y
    for _ in range(50):
        root = np.sqrt(weights)
        beta = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
        left = y - x @ beta
        size = np.abs(left) / max(_spread(left), 1e-9)
        new = np.where(size < HUBER, 1.0, HUBER / np.maximum(size, HUBER))
        if np.abs(new - weights).max() < 1e-6:
            break
        weights = new
    return np.asarray(left)


def _over_spread(values: Array) -> Array:
    spreads = [max(_spread(column), 1e-9) for column in values.T]
    return values / np.array(spreads)


def _spread(values: Array) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _adjusted(z: Array) -> Array:
    """Benjamini and Hochberg's q of each entry and benchmark, over all of them."""
    from scipy.stats import false_discovery_control, norm

    return np.asarray(false_discovery_control(norm.sf(z).ravel())).reshape(z.shape)


def _told(
    row: pd.Series,
    k: int,
    deviations: Array,
    expected: float,
    z: float,
    q: float,
    siblings: int,
    risen: Array,
) -> dict[str, Any]:
    also = [name for j, name in enumerate(BENCHMARKS) if j != k and risen[j]]
    name = NAMES[BENCHMARKS[k]]
    beside = f" It also stands high on {', '.join(NAMES[b] for b in also)}." if also else ""
    return {
        "entry": str(row["model"]),
        "benchmark": BENCHMARKS[k],
        "root": row["root"] if isinstance(row["root"], str) else None,
        "stem": str(row["stem"]),
        "siblings": siblings,
        "score": float(row[BENCHMARKS[k]]),
        "above_siblings": float(deviations[k]),
        "expected": float(expected),
        "z": float(z),
        "q": float(q),
        "also": also,
        "maker_own": bool(row["maker_own"]),
        "profile": {name: float(deviations[j]) for j, name in enumerate(BENCHMARKS)},
        "sentence": (
            f"{row['model']} stands {deviations[k]:.1f} points above the median of its {siblings} "
            f"siblings made from {row['stem']} on {name}; its other scores let expect "
            f"{expected:+.1f} (z {z:.1f}, q {q:.1g}).{beside} Trained for it or on its items: the "
            "table cannot tell."
        ),
    }
