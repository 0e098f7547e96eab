"""A weighted sum of evaluations' figures, paired by item: one effect of a factorial design.

The items are the sample here, and the effect is what it would be on items like these: other than a
reproduction, which asks about one published figure on one set. Prompts may differ between the
evaluations where they are the treatment (a chat template); items may not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import step_failed
from workbench.evaluate.intervals import Interval, t_quantile
from workbench.leaderboard.reproduce.formula import Formula

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation

METHOD = "linearised, paired by item, t over items"
#: Made-up items that gained or lost as much as one item can, half of one each way (Agresti and Min
#: 2005, Statistics in Medicine 24, 729-740): items that all agree leave some doubt.
MADE_UP = 0.5

Weighted = tuple[float, "Evaluation"]


@dataclass(frozen=True)
class Effect:
    """``n`` counts items, those with several scores once; ``p`` is two-sided, against 0."""

    value: float
    ci95: Interval
    p: float
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """The effect as ``results.json`` holds it."""
        known = all(map(math.isfinite, self.ci95))
        return {**asdict(self), "ci95": list(self.ci95) if known else [None, None]}


def contrast(evaluations: Sequence[Weighted], formula: Formula) -> Effect:
    """The sum of each evaluation's figure times its weight.

    The variance is that of the items' own contrasts, through the formula's slopes above its floors
    (below one they overstate it), each set of items for itself. Items of one cluster count as one.

    Raises:
        StepFailed: the evaluations are not of the same items.
    """
    slopes = formula.slopes()
    value = sum(
        weight * float(formula.value({t: each.scores[t].value for t in formula.tasks}))
        for weight, each in evaluations
    )
    sets: dict[str, list[str]] = {}
    for task in formula.tasks:
        sets.setdefault(task.partition("/")[0], []).append(task)
    variances, freedoms, n = [], [], 0
    for tasks in sets.values():
        effects, reach = _items(evaluations, {task: slopes[task] for task in tasks})
        variance, freedom = _variance(effects, reach)
        variances.append(variance)
        freedoms.append(freedom)
        n += len(effects)
    return Effect(value, *_judged(value, variances, freedoms), n, METHOD)


def _items(evaluations: Sequence[Weighted], slopes: dict[str, float]) -> tuple[np.ndarray, float]:
    """Each unit's contrast, summing to the whole less its mean, and how far one can move it."""
    total: pd.Series | None = None
    for weight, evaluation in evaluations:
        rows = _rows(evaluation, slopes)
        part = weight * rows["moves"]
        if total is None:
            total, first = part, rows
            continue
        if not rows.index.equals(first.index):
            alone = len(rows.index.symmetric_difference(first.index))
            raise step_failed(
                f"{' and '.join(slopes)}: {alone} items were scored for some of the models only",
                "effects are measured item by item",
                "score all again with the same suite",
            )
        total = total + part
    if total is None:
        raise ValueError("a contrast of no evaluations")
    units = total.groupby(first["unit"].to_numpy()).sum().to_numpy(float)
    reach = max(abs(weight) for weight, _ in evaluations) * sum(slopes.values())
    return units * len(units), reach


def _rows(evaluation: Evaluation, slopes: dict[str, float]) -> pd.DataFrame:
    """Rows of the tasks in one order: what each adds to the figure less the mean, and its unit."""
    samples = evaluation.samples
    rows = samples[samples["task"].isin(list(slopes))].copy()
    size = rows["task"].map(rows["task"].value_counts())
    mean = rows["task"].map(rows.groupby("task")["score"].mean())
    rows["moves"] = rows["task"].map(slopes) * (rows["score"] - mean) / size
    own = rows["doc_hash"] + "\0" + rows["item_id"].str.partition("#")[0]
    # Instructions of a prompt are clustered by it, and the prompt itself is not: its id says so.
    several = len(slopes) > 1
    rows["unit"] = own.where(rows["cluster"].eq("") | several, rows["cluster"])
    return rows.set_index(["task", "doc_hash", "item_id"], verify_integrity=True).sort_index()


def _variance(effects: np.ndarray, reach: float) -> tuple[float, int]:
    """Of the mean of the units' contrasts, made-up ones taken along."""
    count = len(effects)
    squares = float(((effects - effects.mean()) ** 2).sum()) + 2 * MADE_UP * reach**2
    return squares / (count - 1 + 2 * MADE_UP) / count if count > 1 else math.inf, count - 1


def _judged(
    value: float, variances: Sequence[float], freedoms: Sequence[int]
) -> tuple[Interval, float]:
    """The 95% interval and the two-sided p, at Welch and Satterthwaite's degrees of freedom."""
    from scipy.stats import t

    variance = sum(variances)
    if not math.isfinite(variance):
        return (-math.inf, math.inf), 1.0
    error = math.sqrt(variance)
    freedom = variance**2 / sum(v**2 / max(f, 1) for v, f in zip(variances, freedoms, strict=True))
    half = t_quantile(freedom) * error
    return (value - half, value + half), float(2 * t.sf(abs(value) / error, freedom))
