"""The seven senses in which a base can "fine-tune better": what each takes from a row, and a base.

A base's value is the mean over its tasks (and treatments), seeds averaged. Where some base lacks a
task, tasks are allowed for: the base's effect in the additive model of base and task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.compare.mixed.levels import Array
from workbench.study.statistics import gains

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal["score", "share", "logit"]


@dataclass(frozen=True)
class Sense:
    """An outcome, and the column that is held equal, if any."""

    name: str
    title: str
    unit: Unit
    outcome: Literal["final", "gain", "headroom", "logit"]
    held: Literal["", "compute", "start"] = ""


SENSES = (
    Sense("final", "Final score", "score", "final"),
    Sense("gain", "Gain", "score", "gain"),
    Sense("final_at_compute", "Final score at equal compute", "score", "final", "compute"),
    Sense("gain_at_compute", "Gain at equal compute", "score", "gain", "compute"),
    Sense("gain_at_start", "Gain from an equal start", "score", "gain", "start"),
    Sense("headroom_gain", "Share of the headroom gained", "share", "headroom"),
    Sense("logit_gain", "Gain in log odds", "logit", "logit"),
)


def start_of(frame: pd.DataFrame) -> pd.Series:
    """The score before on half A where there is one, else ``before``."""
    return frame["before_a"].astype(float).fillna(frame["before"].astype(float))


def rows_of(frame: pd.DataFrame, sense: Sense) -> pd.DataFrame:
    """The frame's rows in which the sense is known, with its ``value``, ``error`` and ``held``.

    ``error`` is that of the items, NaN where it is not known; ``same_items`` says that the start is
    that of the outcome's own items, for want of another half. A family with bases on both sides
    counts as one on each (which is careful: what they share would tell the sides apart better).
    """
    columns = ["base", "group", "asked", "family", "task", "treatment", "seed", "n"]
    rows = frame[columns].copy()
    rows["n"] = frame["n"].astype(float)
    sides = frame.groupby("family")["asked"].transform("nunique")
    both = frame["family"] + " (" + frame["group"] + ")"
    rows["family"] = frame["family"].where(sides < 2, both)
    before, after = frame["before"].to_numpy(float), frame["after"].to_numpy(float)
    start = start_of(frame).to_numpy(float)
    n = rows["n"].to_numpy(float)
    errors = {name: frame[name].to_numpy(float) for name in ("se_before", "se_after", "se_gain")}
    rows["value"], rows["error"] = _outcome(sense, before, after, start, n, errors)
    rows["same_items"] = frame["before_a"].isna().to_numpy()
    rows["held"] = 0.0
    if sense.held:
        rows["held"] = start if sense.held == "start" else frame["compute"].to_numpy(float)
    known = rows["value"].notna() & rows["held"].notna()
    return rows[known].reset_index(drop=True)


def _outcome(
    sense: Sense, before: Array, after: Array, start: Array, n: Array, se: dict[str, Array]
) -> tuple[Array, Array]:
    if sense.outcome == "final":
        return after, se["se_after"]
    if sense.outcome == "gain":
        return after - before, se["se_gain"]
    if sense.outcome == "headroom":
        error = gains.headroom_error(after - before, start, se["se_gain"], se["se_before"])
        return gains.headroom_gain(before, after, start), error
    first = gains.log_odds_error(start, n, se["se_before"])
    last = gains.log_odds_error(after, n, se["se_after"])
    return gains.log_odds(after, n) - gains.log_odds(start, n), np.hypot(first, last)


def bases_of(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a base, sorted by name: ``value``, ``held``, ``error``, ``seeds`` and ``n``.

    ``error`` joins what items leave (seeds share it) and what seeds leave, where there are two or
    more; NaN where neither is known. ``n`` is the number of items of all tasks, NaN if unknown.
    """
    cells = rows.groupby(["base", "task", "treatment"], sort=True)
    of = cells.agg(
        group=("group", "first"),
        asked=("asked", "first"),
        family=("family", "first"),
        value=("value", "mean"),
        held=("held", "mean"),
        error=("error", "mean"),
        between=("value", "var"),
        runs=("value", "size"),
        n=("n", "max"),
    ).reset_index()
    of["seeds_error"] = of["between"] / of["runs"]
    of["items_error"] = of["error"] ** 2
    found = of.groupby("base", sort=True).agg(
        group=("group", "first"),
        asked=("asked", "first"),
        family=("family", "first"),
        cells=("value", "size"),
        seeds=("runs", "max"),
    )
    found["n"] = of.groupby("base")["n"].sum(min_count=1)
    for name in ("value", "held"):
        found[name] = _means(of, name)
    # Tasks are independent; a task whose error is unknown makes that of the mean unknown.
    unknown = float("nan")
    items = of.groupby("base")["items_error"].agg(lambda s: unknown if s.isna().any() else s.sum())
    runs = of.groupby("base")["seeds_error"].agg(lambda s: unknown if s.isna().any() else s.sum())
    total = items.fillna(0) + runs.fillna(0)
    found["error"] = np.sqrt(total.where(items.notna() | runs.notna())) / found["cells"]
    return found.reset_index()


def _means(cells: pd.DataFrame, name: str) -> pd.Series:
    """Each base's mean over tasks and treatments; additive where some are missing."""
    table = cells.pivot_table(index="base", columns=["task", "treatment"], values=name)
    if not table.isna().to_numpy().any():
        return table.mean(axis=1)
    values = table.to_numpy(float)
    rows, columns = np.nonzero(~np.isnan(values))
    height, width = values.shape
    x = np.zeros((len(rows), height + width))
    x[np.arange(len(rows)), rows] = 1
    x[np.arange(len(rows)), height + columns] = 1
    effects = np.linalg.lstsq(x, values[rows, columns], rcond=None)[0]
    table["mean"] = effects[:height] + effects[height:].mean()
    return table["mean"]
