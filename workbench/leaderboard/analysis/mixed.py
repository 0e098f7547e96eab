"""The country coefficient before and after each control, by a mixed model.

Entries of one base are alike, so are those of one submitter, and bases of one family: each is a
random intercept, base nested in family and crossed with submitter. Country, log size, release date,
method and chat template are fixed. Every step of the sequence is fitted to the same rows, so that a
change of the coefficient is the control's doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.mixed import reml
from workbench.compare.mixed.inference import Effect, effect
from workbench.compare.mixed.levels import Array, Factor
from workbench.compare.permutation import Permuted, permute_families
from workbench.leaderboard.analysis.outcomes import of_outcome

if TYPE_CHECKING:
    import pandas as pd

#: Control by control, in the order in which they are added.
CONTROLS = ("log size", "release date", "method", "chat template")
BASE_SCORE = "base score"
#: For those who doubt that points go straight with the logarithm of size.
BENT_SIZE = "log size squared"
#: The random intercepts and the columns they are read from; the family bears the country.
COLUMNS = {"base": "root", "submitter": "submitter", "family": "family", "maker": "lab"}
PLURAL = {"base": "bases", "submitter": "submitters", "family": "families", "maker": "makers"}
RANDOM = ("base", "submitter", "family")
METHOD = (
    "REML, random intercepts of base, submitter and family; Kenward-Roger standard error, t with "
    "Satterthwaite df, at most those that families leave"
)


class CannotFit(ValueError):
    """The rows do not bear the model; the message says why."""


@dataclass(frozen=True)
class Fitted:
    """The country's effect in one model, what else was estimated, and the rows it rests on."""

    controls: tuple[str, ...]
    country: Effect
    permuted: Permuted | None
    fit: reml.RemlFit
    columns: tuple[str, ...]
    rows: pd.DataFrame
    left_out: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """The contract's entry of ``mixed``."""
        sd = self.fit.sd
        return {
            "controls": list(self.controls),
            "random": [factor.name for factor in self.fit.factors],
            "value": self.country.value,
            "ci95": list(self.country.ci95),
            "p": self.country.p,
            "se": self.country.error,
            "df": self.country.df,
            "permutation": self.permuted.json() if self.permuted else None,
            **counts(self.rows),
            **{f"sd_{name}": value for name, value in sd.items()},
            "singular": self.fit.singular,
            "converged": self.fit.converged,
            "left_out": list(self.left_out),
            "coefficients": self.coefficients(),
            "method": METHOD,
        }

    def coefficients(self) -> dict[str, dict[str, Any]]:
        """The controls' own coefficients, in points a unit."""
        found = {}
        for place, name in enumerate(self.columns):
            if name in ("intercept", "chinese"):
                continue
            one = effect(self.fit, place, self.fit.factors[-1])
            found[name] = {"value": one.value, "ci95": list(one.ci95), "df": one.df}
        return found


def counts(rows: pd.DataFrame) -> dict[str, int]:
    """How many entries, bases, submitters and families; and of the Chinese side alone."""
    chinese = rows[rows["chinese"]]
    return {
        "n": len(rows),
        "bases": rows["root"].nunique(),
        "submitters": rows["submitter"].nunique(),
        "families": rows["family"].nunique(),
        "n_chinese": len(chinese),
        "bases_chinese": chinese["root"].nunique(),
        "families_chinese": chinese["family"].nunique(),
    }


def sequence(rows: pd.DataFrame, outcome: str, *, seed: int) -> list[dict[str, Any]]:
    """The difference of means, then the mixed model with one control more at each step.

    For the final score a last step adds the base's own score: entries of bases that started alike.

    Raises:
        CannotFit: the rows do not bear it.
    """
    usable = complete(of_outcome(rows, outcome))
    steps = [difference_of_means(usable)]
    known_controls = controls_of(usable)
    for reach in range(len(known_controls) + 1):
        steps.append(country(usable, known_controls[:reach], seed=seed).json())
    known = usable[usable["base_score"].notna()]
    if outcome == "final" and len(known):
        with suppress(CannotFit):
            steps.append(country(known, (*known_controls, BASE_SCORE), seed=seed).json())
    return steps


def controls_of(rows: pd.DataFrame) -> tuple[str, ...]:
    """``CONTROLS``, the chat template only where the export tells it."""
    told = rows["chat_template"].notna().any()
    return tuple(name for name in CONTROLS if told or name != "chat template")


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in which all controls are known: those that every step is fitted to."""
    needed = rows["root_parameters_b"].notna() & rows["root_released"].notna()
    if rows["chat_template"].notna().any():
        needed &= rows["chat_template"].notna()
    return rows[needed]


def country(
    rows: pd.DataFrame,
    controls: Sequence[str],
    *,
    seed: int | None = None,
    random: Sequence[str] = RANDOM,
) -> Fitted:
    """The model with ``controls``; with a ``seed``, the permutation of countries over families too.

    ``random`` names the random intercepts (of ``COLUMNS``), last the one that bears the country:
    the family, or the maker. Where a row is a base, the base's own is the residual.

    Controls that do not vary, or that the others determine, are left out and named.

    Raises:
        CannotFit: one side has no family, or there are too few rows or families.
    """
    _sides(rows)
    x, names, left_out = design(rows, controls)
    factors = [Factor.of(name, list(rows[COLUMNS[name]])) for name in random]
    families = factors[-1]
    if families.levels < 4:
        many = PLURAL[families.name]
        raise CannotFit(f"{families.levels} {many} are too few to tell how {many} differ")
    if len(rows) <= x.shape[1] + 3:
        raise CannotFit(f"{len(rows)} entries are too few for {x.shape[1]} coefficients")
    y = rows["y"].to_numpy(float)
    fitted = reml.fit(y, x, factors)
    found = effect(fitted, 1, families)
    permuted = None
    if seed is not None:
        without = np.delete(x, 1, axis=1)
        null = reml.fit(y, without, factors)
        permuted = permute_families(null, x[:, 1], families, seed=seed)
    return Fitted(tuple(controls), found, permuted, fitted, tuple(names), rows, tuple(left_out))


def _sides(rows: pd.DataFrame) -> list[int]:
    """The number of families of each side."""
    if not len(rows):
        raise CannotFit("no entry has what is asked")
    sides = rows.groupby("chinese")["family"].nunique().tolist()
    if len(sides) < 2:
        raise CannotFit("all entries are of bases of one side: nothing to compare")
    return list(sides)


def design(rows: pd.DataFrame, controls: Sequence[str]) -> tuple[Array, list[str], list[str]]:
    """The fixed effects' columns: intercept, country, then the controls that can be told apart."""
    made: dict[str, Any] = {}
    if "log size" in controls:
        made["log10 parameters"] = np.log10(rows["root_parameters_b"].astype(float))
    if BENT_SIZE in controls:
        logs = made["log10 parameters"]
        made["log10 parameters, squared"] = (logs - logs.mean()) ** 2
    if "release date" in controls:
        days = (rows["root_released"] - rows["root_released"].min()).dt.days
        made["release, years"] = days / 365.25
    if "method" in controls:
        for kind in ("merge", "chat"):
            made[f"method {kind}"] = rows["method"] == kind
    if "chat template" in controls and rows["chat_template"].notna().any():
        made["chat template"] = rows["chat_template"].astype(bool)
    if BASE_SCORE in controls:
        made["base score, points"] = rows["base_score"]
    names = ["intercept", "chinese"]
    columns = [np.ones(len(rows)), rows["chinese"].to_numpy(float)]
    left_out = []
    for name, values in made.items():
        column = np.asarray(values, dtype=float)
        column = column - column.mean()
        if np.linalg.matrix_rank(np.column_stack([*columns, column])) > len(columns):
            names.append(name)
            columns.append(column)
        else:
            left_out.append(name)
    return np.column_stack(columns), names, left_out


def difference_of_means(rows: pd.DataFrame) -> dict[str, Any]:
    """The plain difference of means, its interval by families as clusters.

    Without an interval where a side has one family, which has nothing to differ from.
    """
    from workbench.compare.least_squares import fit

    several = min(_sides(rows)) > 1
    try:
        found = fit(
            rows["y"].tolist(),
            {"chinese": rows["chinese"].astype(float).tolist()},
            rows["family"].astype(str).tolist() if several else None,
        )["chinese"]
    except ValueError as error:
        raise CannotFit(str(error)) from None
    return {
        "controls": [],
        "random": [],
        "value": found.value,
        "ci95": list(found.ci95) if several else None,
        "p": found.p if several else None,
        "se": found.error if several else None,
        "df": found.df,
        "permutation": None,
        **counts(rows),
        "sd_base": None,
        "sd_submitter": None,
        "sd_family": None,
        "sd_residual": None,
        "singular": [],
        "converged": True,
        "left_out": [],
        "coefficients": {},
        "method": "difference of means, standard error clustered by family (CR1, families - 1 df; "
        "too narrow with so few families)",
    }
