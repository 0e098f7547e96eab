"""The same question by a Bayesian mixed model, where bambi is installed and it is asked for.

It is an extra (``pip install "workbench[bayes]"``) and a second opinion: no verdict rests on it.
With few families its interval leans on the priors, which are bambi's own weakly informative ones.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.mixed.levels import Array
from workbench.errors import Problem, UserError
from workbench.study.statistics.senses import SENSES, rows_of

if TYPE_CHECKING:
    import pandas as pd

GAIN = next(sense for sense in SENSES if sense.name == "gain")
METHOD = (
    "Bayesian linear mixed model of the gain (bambi, NUTS): group, task and group x task fixed; "
    "family, base and seed random; bambi's default priors; mean and central 95% of the posterior"
)
MISSING = Problem(
    "study.bayesian asks for a Bayesian model, and bambi is not installed",
    "it is an extra: bambi and PyMC are large, and no verdict needs them",
    'pip install "workbench[bayes]", or leave bayesian out',
)
DRAWS, CHAINS = 1000, 4
#: Chains that agree less than this have not converged (Vehtari et al. 2021, arXiv 1903.08008).
MOST_RHAT = 1.01


def installed() -> bool:
    """Whether the model can be fitted here."""
    return importlib.util.find_spec("bambi") is not None


def require() -> None:
    """Refuse a study that asks for the model where bambi is not installed.

    Raises:
        UserError: with what to install.
    """
    if not installed():
        raise UserError(MISSING)


def posterior(
    frame: pd.DataFrame,
    *,
    asked: str,
    margin: float,
    seed: int,
    draws: int = DRAWS,
    chains: int = CHAINS,
) -> dict[str, Any]:
    """The group difference in gain: ``{"value", "ci95", "higher", "within", "sd", ...}``.

    ``higher`` is the posterior probability that the group asked about gains more, ``within`` that
    the difference is smaller than ``margin``; ``sd`` holds the posterior means of the standard
    deviations. ``converged`` is false where chains disagree or diverge: then nothing should be read
    from it. Rows of collapsed runs are left out. Minutes of one core for some hundred rows.

    Raises:
        UserError: bambi is not installed.
        ValueError: one group has no row.
    """
    require()
    import bambi

    rows = rows_of(frame[~frame["collapsed"].astype(bool)], GAIN)
    if rows["asked"].nunique() < 2:
        raise ValueError("both groups need a base: one group alone has nothing to differ from")
    data, formula = _data(rows)
    model = bambi.Model(formula, data)
    fitted = model.fit(
        draws=draws, chains=chains, cores=1, random_seed=seed, progressbar=False, target_accept=0.95
    )
    found = np.asarray(fitted.posterior["side"].values, dtype=float)
    divergences = int(np.asarray(fitted.sample_stats["diverging"].values).sum())
    rhat = split_rhat(found)
    low, high = np.quantile(found, [0.025, 0.975])
    return {
        "asked": asked,
        "value": float(found.mean()),
        "ci95": [float(low), float(high)],
        "higher": float((found > 0).mean()),
        "within": float((np.abs(found) < margin).mean()),
        "sd": {
            name: float(np.asarray(fitted.posterior[f"1|{name}_sigma"].values).mean())
            for name in ("family", "base", "run")
            if f"1|{name}_sigma" in fitted.posterior
        },
        "draws": int(found.size),
        "rhat": rhat,
        "divergences": divergences,
        "converged": rhat <= MOST_RHAT and divergences <= 0.001 * found.size,
        "method": METHOD,
    }


def _data(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows with one column a term, and bambi's formula for them."""
    import pandas as pd

    data = pd.DataFrame(
        {
            "gain": rows["value"],
            # Half on either side, so that the coefficient is the difference of groups.
            "side": np.where(rows["asked"], 0.5, -0.5),
            "family": rows["family"],
            "base": rows["base"],
            "run": rows["base"] + " " + rows["seed"].astype(str),
        }
    )
    terms = ["side", "(1|family)"]
    tasks = (rows["task"] + " " + rows["treatment"]).to_numpy(str)
    names = np.unique(tasks)
    for k, name in enumerate(names[1:]):
        data[f"task{k}"] = (tasks == name).astype(float) - (tasks == names[0])
        data[f"side_task{k}"] = data[f"task{k}"] * data["side"]
        terms += [f"task{k}", f"side_task{k}"]
    # A random effect with a level a row is the residual.
    if data["base"].nunique() < len(data):
        terms.append("(1|base)")
        if data["base"].nunique() < data["run"].nunique() < len(data):
            terms.append("(1|run)")
    return data, f"gain ~ {' + '.join(terms)}"


def split_rhat(chains: Array) -> float:
    """How far chains (chains by draws) and their halves agree: 1 where they do, above where not.

    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 11.4.
    """
    half = chains.shape[1] // 2
    parts = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = float(parts.var(axis=1, ddof=1).mean())
    between = float(parts.mean(axis=1).var(ddof=1))
    return float(np.sqrt((half - 1) / half + between / within)) if within > 0 else 1.0
