"""The same question by statsmodels' MixedLM: the usual mixed model, as a reader would fit it.

A second opinion: no verdict rests on it. Its interval is Wald's, with the normal distribution and
the variances taken as known, and so too narrow where families are few; the study's own rests on
families' means (:mod:`workbench.study.statistics.model`).
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.study.statistics.senses import SENSES, rows_of

if TYPE_CHECKING:
    import pandas as pd

GAIN = next(sense for sense in SENSES if sense.name == "gain")
METHOD = (
    "linear mixed model of the gain (statsmodels MixedLM, REML): group, task and group x task "
    "fixed; family, base, seed and base x task random; Wald interval"
)


def mixed_lm(frame: pd.DataFrame, *, asked: str) -> dict[str, Any] | None:
    """The group difference in gain: ``{"value", "ci95", "p", "converged", "asked", "method"}``.

    With several tasks it is the mean over tasks. Rows of collapsed runs are left out. ``None``
    where one group has no row, or the rows bear no such model.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    rows = rows_of(frame[~frame["collapsed"].astype(bool)], GAIN)
    if rows["asked"].nunique() < 2 or rows["family"].nunique() < 4:
        return None
    task = rows["task"] + " " + rows["treatment"]
    data = rows.assign(
        side=rows["asked"].astype(float),
        task=task,
        run=rows["base"] + " " + rows["seed"].astype(str),
        cell=rows["base"] + " " + task,
    )
    fixed = "value ~ side * C(task, Sum)" if task.nunique() > 1 else "value ~ side"
    with warnings.catch_warnings():
        # A variance at zero, of which it warns, is what these designs often have.
        warnings.simplefilter("ignore")
        try:
            fitted = MixedLM.from_formula(
                fixed, data, groups=np.ones(len(data)), vc_formula=_random(data)
            ).fit(reml=True, method=["bfgs", "lbfgs", "cg", "powell"])
            low, high = fitted.conf_int().loc["side"]
            found = (fitted.params["side"], low, high, fitted.pvalues["side"])
        except (ValueError, np.linalg.LinAlgError):
            return None
    value, low, high, p = map(float, found)
    if not all(map(math.isfinite, (value, low, high))):
        return None
    return {
        "asked": asked,
        "value": value,
        "ci95": [low, high],
        "p": p,
        "converged": bool(fitted.converged),
        "method": METHOD,
    }


def _random(data: pd.DataFrame) -> dict[str, str]:
    """The random effects that have fewer levels than rows, and more than what they stand in."""
    terms = {"family": "0 + C(family)"}
    for name in ("base", "run", "cell"):
        inside = data["base" if name != "base" else "family"].nunique()
        if inside < data[name].nunique() < len(data):
            terms[name] = f"0 + C({name})"
    return terms
