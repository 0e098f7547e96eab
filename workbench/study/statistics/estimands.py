"""What "these bases fine-tune better" can mean, in seven senses, each with interval and verdict.

They can disagree on the same data (Lord's paradox): a group that starts higher ends higher with a
smaller gain. A report shows all of them, so all are computed together here. Each rests on the
families' means (:mod:`workbench.compare.mixed.nested`) and on groups dealt anew to whole families
(:mod:`workbench.compare.permutation`), which simulated studies find honest from four families on
(``tests/benchmarks/study_simulation.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.compare.equivalence import Verdict, conclude
from workbench.study.statistics.components import interaction, variance
from workbench.study.statistics.difference import contrast_of, interval_of, sizes_of, value_of
from workbench.study.statistics.estimand import Estimand
from workbench.study.statistics.gains import LEAST_HEADROOM
from workbench.study.statistics.influence import without_each
from workbench.study.statistics.model import METHOD, cannot
from workbench.study.statistics.senses import SENSES, Sense, bases_of, rows_of
from workbench.study.statistics.told import told

if TYPE_CHECKING:
    import pandas as pd

NAMES = tuple(sense.name for sense in SENSES)
#: Those that stand side by side; the third where compute is known, else the fourth in its place.
MAIN = ("final", "gain", "final_at_compute")
INSTEAD = "gain_at_start"

__all__ = ["NAMES", "Estimand", "Verdict", "estimands", "interaction", "variance"]


def estimands(
    frame: pd.DataFrame,
    *,
    asked: str,
    margin: float,
    alpha: float,
    seed: int,
    permutations: int = 9999,
) -> list[Estimand]:
    """All seven, in the order of ``NAMES``.

    Args:
        frame: as :mod:`workbench.study.scores.frame` has it. Rows of collapsed runs are left out.
        asked: the group asked about, for the words.
        margin: the difference in score that does not matter; other units have none.
        alpha: the level of verdicts. ``ci95`` and ``ci90`` are 95% and 90% whatever it is.
        seed: draws the permutation's deals, where there are more than ``permutations``.
    """
    collapsed = frame["collapsed"].astype(bool)
    found = []
    for sense in SENSES:
        one = _estimate(frame[~collapsed], sense, margin, alpha, seed, permutations)
        if bool(collapsed.any()):
            whole = bases_of(rows_of(frame, sense))
            kept = value_of(whole, sense) if len(whole) else None
            one = replace(one, collapsed=int(collapsed.sum()), with_collapsed=kept)
        found.append(one)
    known = {one.name: one for one in found}
    main = [name for name in MAIN if known[name].value is not None or name in MAIN[:2]]
    if len(main) < len(MAIN):
        main.append(INSTEAD)
    others = sorted({str(name) for name in frame.loc[~frame["asked"], "group"]})
    sides = (asked, others[0] if len(others) == 1 else "others")
    return [
        replace(one, main=one.name in main, words=told(one, sides, margin, alpha)) for one in found
    ]


def _estimate(
    frame: pd.DataFrame, sense: Sense, margin: float, alpha: float, seed: int, permutations: int
) -> Estimand:
    rows = rows_of(frame, sense)
    one = Estimand(
        sense.name,
        sense.title,
        sense.unit,
        main=False,
        n_rows=len(rows),
        n_bases=rows["base"].nunique(),
        n_families=rows["family"].nunique(),
        margin=margin if sense.unit == "score" else None,
        method=METHOD + _held(rows, sense),
    )
    bases = bases_of(rows) if len(rows) else rows
    inside, outside = sizes_of(bases)
    if not inside or not outside:
        return replace(one, missing=_missing(frame, sense, one.n_rows))
    value = value_of(bases, sense)
    one = replace(
        one,
        value=value,
        bases=_bases(bases, sense),
        tasks=_tasks(rows, sense),
    )
    few = cannot(inside, outside, 1.0)
    if few:
        return replace(one, missing=few)
    try:
        contrast = contrast_of(bases, sense, seed=seed, most=permutations)
    except ValueError:
        return replace(one, missing=_unfitted(sense, one.n_families))
    found = contrast.find(bases["value"].to_numpy(float)[None, :])
    assert found.p_permutation is not None
    ends = {
        level: (float(low[0]), float(high[0]))
        for level in (0.95, 0.9, 1 - alpha, 1 - 2 * alpha)
        for low, high in [found.effects.interval(level)]
    }
    p_permutation = float(found.p_permutation[0])
    return replace(
        one,
        value=float(found.effects.value[0]),
        ci95=ends[0.95],
        ci90=ends[0.9],
        p=float(found.effects.p()[0]),
        p_permutation=p_permutation,
        permutations=len(contrast.deals),
        least_p=contrast.least,
        df=float(found.effects.df),
        verdict=conclude(
            ends[1 - alpha],
            ends[1 - 2 * alpha],
            margin=one.margin,
            p_permutation=p_permutation,
            alpha=alpha,
        ),
        left_out=without_each(bases, sense),
    )


def _missing(frame: pd.DataFrame, sense: Sense, rows: int) -> str:
    """Why a side has no value."""
    if frame["asked"].nunique() < 2:
        return "one of the groups has no base with a score"
    known = {
        "compute": "compute is not known",
        "start": "no score before is known",
        "": f"there is no headroom of {100 * LEAST_HEADROOM:.0f} points or more",
    }[sense.held]
    return f"{known} of any base of one of the groups" if rows else known


def _unfitted(sense: Sense, families: int) -> str:
    """Why the families do not bear the model."""
    held = {"compute": "compute", "start": "the score before"}.get(sense.held)
    if held is None or families <= 3:
        return f"{families} families are too few"
    return f"{held} does not vary between families, or tells the groups apart"


def _held(rows: pd.DataFrame, sense: Sense) -> str:
    if sense.held == "compute":
        return "; compute held equal between families"
    same = bool(rows["same_items"].any()) if len(rows) else False
    noise = ", of the same items: their luck enters both" if same else ", of the other half"
    if sense.held == "start":
        return f"; the score before held equal between families{noise}"
    if sense.outcome in ("headroom", "logit"):
        return f"; the score before{noise}"
    return ""


def _tasks(rows: pd.DataFrame, sense: Sense) -> dict[str, dict[str, Any]]:
    found = {}
    for task, of in rows.groupby("task", sort=True):
        bases = bases_of(of)
        value, ci95, p = interval_of(bases, sense)
        found[str(task)] = {"value": value, "ci95": ci95, "p": p, "n_bases": len(bases)}
    return found


def _bases(bases: pd.DataFrame, sense: Sense) -> list[dict[str, Any]]:
    """Each base's own value, moved along the slope to the mean of what is held equal."""
    from workbench.evaluate.intervals import normal_quantile

    values = bases["value"].to_numpy(float)
    if sense.held:
        try:
            slope = contrast_of(bases, sense, most=1).slope(values)
        except ValueError:
            slope = 0.0
        held = bases["held"].to_numpy(float)
        values = values - slope * (held - held.mean())
    return [
        {
            "base": row["base"],
            "group": row["group"],
            "family": row["family"],
            "value": float(value),
            "ci95": _around(float(value), float(row["error"]), normal_quantile()),
            "seeds": int(row["seeds"]),
            "n": None if math.isnan(row["n"]) else int(row["n"]),
        }
        for value, row in zip(values, bases.to_dict("records"), strict=True)
    ]


def _around(value: float, error: float, reach: float) -> Sequence[float] | None:
    return None if math.isnan(error) else [value - reach * error, value + reach * error]
