"""What a gain varies by (families, bases, seeds), and whether the groups differ alike on all tasks.

The variances are those of the full mixed model of all rows: group, task and group x task fixed,
family, base, seed and base x task random, by REML (:mod:`workbench.compare.mixed.reml`, which gives
statsmodels' MixedLM's estimates exactly). The interaction rests on families' means, as the
estimands do: in the full model a family that takes to one task would count as many times as it has
bases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.mixed import reml
from workbench.compare.mixed.inference import effect
from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.permutation import means_statistic
from workbench.study.statistics.model import Contrast, cannot
from workbench.study.statistics.senses import SENSES, rows_of
from workbench.study.words import listed, p_value, points

if TYPE_CHECKING:
    import pandas as pd

GAIN = next(sense for sense in SENSES if sense.name == "gain")
#: Share of bases without which a task does not count for the interaction.
COMMON = 0.5
METHOD = (
    "linear mixed model of the gain, REML: group, task and group x task fixed; family, base, seed "
    "and base x task random; Kenward-Roger error, t with at most the df that families leave"
)


def variance(frame: pd.DataFrame, *, asked: str) -> dict[str, Any] | None:
    """The gain's standard deviations, and the group difference of the full model.

    ``{"sd": {"family", "base", "seed", "residual"}, "mean_sd": {"family", "base"}, "effect":
    {"value", "ci95", "p", "df"}, "singular", "method"}``. ``seed`` is a run's deviation that is
    common to its tasks; the residual holds base x task, items, and what is left; either is ``None``
    where the rows cannot tell it. ``mean_sd`` are those of a base's mean over its tasks and seeds,
    whatever they come from: what a design's power rests on. ``None`` where the rows bear no model.
    """
    rows = rows_of(frame[~frame["collapsed"].astype(bool)], GAIN)
    sides = [rows.loc[rows["asked"] == side, "family"].nunique() for side in (True, False)]
    if cannot(sides[0], sides[1], 1.0):
        return None
    x, factors, names = _model(rows)
    try:
        fitted = reml.fit(rows["value"].to_numpy(float), x, factors)
    except ValueError:
        return None
    sd = fitted.sd
    left = float(np.hypot(sd.get("base x task", 0.0), sd["residual"]))
    found = effect(fitted, 1, factors[-1])
    several = "seed" in names or rows.duplicated(["base", "task", "treatment"]).any()
    tasks = rows.groupby(["task", "treatment"]).ngroups > 1
    return {
        "sd": {
            "family": sd["family"],
            "base": sd.get("base", left),
            "seed": sd.get("seed", sd["residual"] if several and not tasks else None),
            "residual": left if tasks else None,
        },
        "mean_sd": _of_means(rows),
        "effect": {
            "value": found.value,
            "ci95": list(found.ci95),
            "p": found.p,
            "df": found.df,
        },
        "singular": fitted.singular,
        "method": METHOD,
    }


def _model(rows: pd.DataFrame) -> tuple[Array, list[Factor], set[str]]:
    """The fixed effects' columns (group second) and the random factors, the family last."""
    tasks = (rows["task"] + "\0" + rows["treatment"]).to_numpy(str)
    group = rows["asked"].to_numpy(float)
    columns = [np.ones(len(rows)), group]
    names = np.unique(tasks)
    for name in names[1:]:
        # Summing to zero over tasks, so that the group's coefficient is the mean over tasks.
        column = (tasks == name).astype(float) - (tasks == names[0])
        columns += [column, column * group]
    runs = (rows["base"] + "\0" + rows["seed"].astype(str)).to_list()
    cells = [f"{base}\0{task}" for base, task in zip(rows["base"], tasks, strict=True)]
    made = {"seed": runs, "base x task": cells, "base": rows["base"].to_list()}
    factors, levels = [], len(rows)
    for name, labels in made.items():
        factor = Factor.of(name, labels)
        wider = name == "base" or factor.levels > rows["base"].nunique()
        if factor.levels < levels and wider:
            factors.append(factor)
    factors.append(Factor.of("family", rows["family"].to_list()))
    return np.column_stack(columns), factors, {factor.name for factor in factors}


def _of_means(rows: pd.DataFrame) -> dict[str, float]:
    from workbench.compare.mixed.nested import Design
    from workbench.study.statistics.senses import bases_of

    bases = bases_of(rows)
    x = np.column_stack([np.ones(len(bases)), bases["asked"].to_numpy(float)])
    values = bases["value"].to_numpy(float)[None, :]
    families = Factor.of("family", bases["family"].tolist())
    family, base = (float(part[0]) for part in Design(x, families).variances(values))
    if families.levels == len(bases):
        # One base a family: nothing tells the two apart, and it is families that are compared.
        family, base = family + base, 0.0
    return {"family": family**0.5, "base": base**0.5}


def interaction(frame: pd.DataFrame, *, asked: str, seed: int = 0) -> dict[str, Any] | None:
    """Whether the groups' difference in gain is another on another task.

    ``{"p", "permutations", "least_p", "words", "tasks"}``. ``p`` is that of groups dealt anew to
    families: the sum over tasks of how far the difference on a task is from the mean over tasks,
    squared, over its variance. ``tasks`` holds for each ``value``, its difference less the mean of
    all, with ``ci95`` and ``p``. Tasks that fewer than ``COMMON`` of the bases have are left out,
    then bases that lack one of the others. ``None`` with one task, or where families are too few.
    """
    rows = rows_of(frame[~frame["collapsed"].astype(bool)], GAIN)
    table = rows.pivot_table(index=["base", "family", "asked"], columns="task", values="value")
    table = table.loc[:, table.notna().mean() >= COMMON].dropna()
    if table.shape[1] < 2 or not len(table):
        return None
    about = table.index.to_frame(index=False)
    inside, outside = (about.loc[about["asked"] == side, "family"].nunique() for side in (1, 0))
    if cannot(inside, outside, 1.0):
        return None
    try:
        contrast = Contrast(
            about["asked"].to_numpy(float), Factor.of("family", about["family"].tolist()), seed=seed
        )
    except ValueError:
        return None
    values = table.to_numpy(float).T
    apart = values - values.mean(axis=0)
    if np.abs(apart).max() < 1e-12:
        return None
    p = _permuted(contrast, apart)
    found = contrast.effects(apart)
    low, high = found.interval()
    tasks = {
        str(task): {
            "value": float(found.value[k]),
            "ci95": [float(low[k]), float(high[k])],
            "p": float(found.p()[k]),
        }
        for k, task in enumerate(table.columns)
    }
    return {
        "p": p,
        "permutations": len(contrast.deals),
        "least_p": contrast.least,
        "words": _words(tasks, p, contrast.least, asked),
        "tasks": tasks,
    }


def _permuted(contrast: Contrast, apart: Array) -> float:
    null = contrast.null
    means, weights = null.means(apart), null.weights(apart)
    centre = np.einsum("rf,rf->r", weights, means) / weights.sum(axis=1)
    scatter = (weights * (means - centre[:, None]) ** 2).sum(axis=1)
    scale = np.where(scatter > 0, scatter, np.inf)[:, None]

    def total(deals: Array) -> Array:
        return (means_statistic(means, weights, null.x, deals) / scale).sum(axis=0)

    observed = total(contrast.chosen[None, :])[0]
    as_large = int((total(contrast.deals) >= observed * (1 - 1e-9)).sum())
    count = len(contrast.deals)
    return as_large / count if contrast.every else (as_large + 1) / (count + 1)


def _words(tasks: dict[str, dict[str, Any]], p: float, least: float, asked: str) -> str:
    parts = [f"{points(one['value'], sign=True)} on {task}" for task, one in tasks.items()]
    if p <= 0.05:
        said = f"The difference in gain is not the same on all tasks ({p_value(p)})"
    elif least > 0.05:
        said = f"So few families cannot tell whether tasks differ ({p_value(p)})"
    else:
        said = f"No sign that the difference in gain is another on another task ({p_value(p)})"
    return f"{said}; {asked} against the mean of all tasks, in points: {listed(parts)}."
