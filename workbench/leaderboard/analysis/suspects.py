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

from workbench.leaderboard.analysis.clusters import Array

if TYPE_CHECKING:
    import pandas as pd

BENCHMARKS = ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro")
NAMES = dict(
    zip(BENCHMARKS, ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MuSR", "MMLU-PRO"), strict=True)
)
FALSE_FLAGS = 0.05
#: Fewer siblings give no median to stand beside.
SIBLINGS = 3
#: Another benchmark counts as risen, too, from this z.
RISEN = 2.0
HUBER = 1.345

RULE = (
    f"Entries with {SIBLINGS} siblings at least. Residual of the deviation from the siblings' "
    "median on one benchmark, given the other five (Huber regression over all entries), over 1.4826 "
    "times its median absolute deviation; flagged where the entry stands above its siblings and the "
    f"one-sided normal p passes Benjamini-Hochberg at {FALSE_FLAGS}. The normal is optimistic: the "
    "residuals have heavier tails, so each benchmark's falls of the same size are counted beside its "
    "flags. A flag says that the profile is odd, not that somebody cheated: a model trained for "
    "mathematics is flagged for MATH."
)


def suspects(frame: pd.DataFrame) -> dict[str, Any]:
    """The flagged entries, most striking first, and what was tested.

    ``frame`` is the whole placed table: an entry without a root has siblings all the same if it
    declares the parent that they declare.
    """
    rows = _with_siblings(frame)
    if len(rows) < 10 * len(BENCHMARKS):
        return {"rule": RULE, "tested": 0, "flagged": [], "benchmarks": {},
                "why": f"{len(rows)} entries with siblings are too few to tell what is odd"}  # fmt: skip
    deviations, counts = _deviations(rows)
    z = np.column_stack([_residual_z(deviations, k, counts) for k in range(len(BENCHMARKS))])
    expected = np.column_stack(
        [deviations[:, k] - _residual(deviations, k) for k in range(len(BENCHMARKS))]
    )
    tested = (~rows["role"].isin(["base", "instruct"])).to_numpy()
    q = _adjusted(z, tested)
    flags = tested[:, None] & (q <= FALSE_FLAGS) & (deviations > 0)
    found = []
    for i, k in zip(*np.nonzero(flags), strict=True):
        found.append(_told(rows.iloc[i], k, deviations[i], expected[i], z[i], q[i, k], counts[i]))
    least = [z[flags[:, k], k].min() if flags[:, k].any() else None for k in range(len(BENCHMARKS))]
    return {
        "rule": RULE,
        "tested": int(tested.sum()) * len(BENCHMARKS),
        "entries_tested": int(tested.sum()),
        "flagged": sorted(found, key=lambda one: -one["z"]),
        "benchmarks": {
            name: {
                "flags": int(flags[:, k].sum()),
                "falls_as_large": 0
                if least[k] is None
                else int((tested & (deviations[:, k] < 0) & (z[:, k] <= -least[k])).sum()),
            }
            for k, name in enumerate(BENCHMARKS)
        },
    }


def flagged_models(found: dict[str, Any]) -> set[str]:
    """The names of the flagged entries."""
    return {one["entry"] for one in found["flagged"]}


def _with_siblings(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a model with the parent it is compared under (``stem``), raw bases left out."""
    from workbench.leaderboard.table.names import resolve

    known = frame[frame["represents"] & frame[list(BENCHMARKS)].notna().all(axis=1)]
    known = known[known["role"] != "base"]
    own = known["hub_id"]
    parents = [
        next((p for name in names if (p := resolve(name).hub_id).lower() != me.lower()), None)
        for names, me in zip(known["parents"], own, strict=True)
    ]
    known = known.assign(parent=parents)
    # The parent stands beside its children: it is what they were made from.
    of_parent = known["parent"].where(known["parent"].notna(), own)
    sizes = of_parent.map(of_parent.value_counts())
    stem = of_parent.where(sizes > SIBLINGS, known["root"])
    known = known.assign(stem=stem)[stem.notna()]
    sizes = known["stem"].map(known["stem"].value_counts())
    return known[sizes > SIBLINGS].reset_index(drop=True)


def _deviations(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Each entry's points above the median of its siblings, itself left out; and their number."""
    values = rows[list(BENCHMARKS)].to_numpy(float)
    out = np.zeros_like(values)
    counts = np.zeros(len(rows))
    for places in rows.groupby("stem").indices.values():
        for place in places:
            others = places[places != place]
            out[place] = values[place] - np.median(values[others], axis=0)
            counts[place] = len(others)
    return out, counts


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


def _residual_z(deviations: Array, k: int, counts: Array) -> Array:
    left = _residual(deviations, k)
    # A median of few siblings wavers: variance pi / 2 of one over their number.
    wavers = np.sqrt(1 + np.pi / 2 / counts)
    scaled = left / wavers
    return scaled / max(_spread(scaled), 1e-9)


def _spread(values: Array) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _adjusted(z: Array, tested: Array) -> Array:
    """Benjamini and Hochberg's q of each entry and benchmark; 1 where nothing is tested."""
    from scipy.stats import false_discovery_control, norm

    q = np.ones_like(z)
    q[tested] = false_discovery_control(norm.sf(z[tested]).ravel()).reshape(-1, z.shape[1])
    return q


def _told(
    row: pd.Series, k: int, deviations: Array, expected: Array, z: Array, q: float, siblings: float
) -> dict[str, Any]:
    also = [
        BENCHMARKS[j]
        for j in range(len(BENCHMARKS))
        if j != k and z[j] >= RISEN and deviations[j] > 0
    ]
    name = NAMES[BENCHMARKS[k]]
    beside = f" It also stands out on {', '.join(NAMES[b] for b in also)}." if also else ""
    return {
        "entry": str(row["model"]),
        "benchmark": BENCHMARKS[k],
        "root": row["root"],
        "stem": str(row["stem"]),
        "siblings": int(siblings),
        "score": float(row[BENCHMARKS[k]]),
        "above_siblings": float(deviations[k]),
        "expected": float(expected[k]),
        "z": float(z[k]),
        "q": float(q),
        "also": also,
        "profile": {name: float(deviations[j]) for j, name in enumerate(BENCHMARKS)},
        "sentence": (
            f"{row['model']} stands {deviations[k]:+.1f} points from the median of its "
            f"{int(siblings)} siblings under {row['stem']} on {name}, where its other scores let "
            f"expect {expected[k]:+.1f} (z {z[k]:.1f}, q {q:.1g}).{beside} Trained for it or on "
            "its items: the table cannot tell."
        ),
    }
