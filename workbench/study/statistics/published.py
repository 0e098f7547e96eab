"""The figures as papers print them, for each task: least squares, as if bases were independent.

They are there to be reproduced and set beside the study's own, which count families. A standard
error clustered by family stands next to each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.compare.least_squares import Coefficient, fit

if TYPE_CHECKING:
    import pandas as pd

METHOD = (
    "Ordinary least squares, one row a base (seeds averaged): the score on the group and, at equal "
    "compute, on log10 of parameters times tokens. se is the classic standard error, se_family "
    "that clustered by family (CR1)."
)
#: Name, outcome, and what is held equal.
FIGURES = (
    ("final", "after", None),
    ("gain", "gain", None),
    ("gain_at_start", "gain", "before"),
    ("before_at_compute", "before", "compute"),
    ("final_at_compute", "after", "compute"),
    ("gain_at_compute", "gain", "compute"),
)


def published(frame: pd.DataFrame) -> dict[str, Any]:
    """``{task: {figure: {value, se, se_family, p, ci95, n, families}}}``, by ``METHOD``.

    A figure is ``None`` where the rows of a task do not bear it: no compute, one group only, or
    fewer bases than coefficients.
    """
    facts = {"asked": "first", "family": "first", "compute": "first"}
    scores = {"before": "mean", "after": "mean"}
    tasks = {}
    for task, rows in frame.groupby("task", sort=True):
        bases = rows.groupby("base", sort=True).agg({**facts, **scores})
        bases["gain"] = bases["after"] - bases["before"]
        tasks[str(task)] = {name: _figure(bases, y, held) for name, y, held in FIGURES}
    return tasks


def _figure(bases: pd.DataFrame, outcome: str, held: str | None) -> dict[str, Any] | None:
    rows = bases if held is None else bases[bases[held].notna()]
    regressors = {"asked": rows["asked"].astype(float).tolist()}
    if held is not None:
        regressors[held] = rows[held].tolist()
    families = rows["family"].tolist()
    try:
        classic = fit(rows[outcome].tolist(), regressors)["asked"]
    except ValueError:
        return None
    return {
        "value": classic.value,
        "se": classic.error,
        "p": classic.p,
        "ci95": list(classic.ci95),
        "n": len(rows),
        "families": len(set(families)),
        "se_family": _clustered(rows[outcome].tolist(), regressors, families),
    }


def _clustered(
    outcome: list[float], regressors: dict[str, list[float]], families: list[str]
) -> float | None:
    try:
        found: Coefficient = fit(outcome, regressors, families)["asked"]
    except ValueError:
        return None
    return found.error
