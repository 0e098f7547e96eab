"""The frame that every study is analysed from: a row a base, task, treatment and seed.

Scores are shares of 1 throughout. The items of a task fall into two halves: the learning rate of a
base, and the ``before`` that an outcome is set against, come from half A, every outcome from half
B, so that no figure is chosen by the luck it is judged on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.study.design.groups import BaseFacts

if TYPE_CHECKING:
    import pandas as pd

#: Column and type. ``before`` to ``se_gain`` and ``fixed_after`` are of half B, ``before_a`` and
#: ``after_a`` of half A (empty for tables of others); ``fixed_after`` is the score at the study's
#: fixed learning rate; ``tokens`` and ``bytes`` what was trained on.
COLUMNS = {
    "base": "str",
    "group": "str",
    "asked": "bool",
    "family": "str",
    "task": "str",
    "treatment": "str",
    "seed": "Int64",
    "rate": "float",
    "n": "Int64",
    "before": "float",
    "after": "float",
    "before_a": "float",
    "after_a": "float",
    "se_before": "float",
    "se_after": "float",
    "se_gain": "float",
    "fixed_after": "float",
    "compute": "float",
    "log_parameters": "float",
    "tokens": "Int64",
    "bytes": "Int64",
    "collapsed": "bool",
}
#: What a row is.
CELL = ("base", "task", "treatment", "seed")
#: What a column holds that was not given; all others hold nothing then.
DEFAULTS = {"collapsed": False}


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with all of ``COLUMNS``, in their order and types, sorted by what a row is.

    ``fixed_after`` is ``after`` where there is no such column.
    """
    import pandas as pd

    whole = pd.DataFrame(index=frame.index)
    for name, kind in COLUMNS.items():
        given = "after" if name == "fixed_after" and name not in frame else name
        column = frame[given] if given in frame else pd.Series(pd.NA, index=frame.index)
        if name in DEFAULTS:
            column = column.astype(object).where(column.notna(), DEFAULTS[name])
        if kind == "float":
            column = pd.to_numeric(column, errors="coerce").astype("Float64").astype(float)
        elif kind == "str":
            column = column.astype(str).astype(object)
        else:
            column = column.astype(kind)
        whole[name] = column
    return whole.sort_values(list(CELL), kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Scored:
    """One output of the treatment on one base, at one learning rate and seed, and its samples.

    ``rate`` is set where it is one of a sweep, ``fixed`` at the study's fixed one (or without a
    sweep); ``tokens`` and ``bytes`` are what it was trained on. ``samples`` have
    :data:`workbench.evaluate.result.COLUMNS`.
    """

    output: str
    base: str
    treatment: str
    seed: int | None
    rate: float | None
    fixed: bool
    samples: pd.DataFrame
    tokens: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Framed:
    """The frame of a run, and the sections of ``results["study"]`` that come with it.

    ``frame`` holds each base at its best rate; ``notes`` say what of the run is not in it.
    """

    frame: pd.DataFrame
    rates: dict[str, Any] | None
    collapsed: list[dict[str, Any]]
    notes: list[str]


def frame_of(
    bases: Mapping[str, BaseFacts],
    before: Mapping[str, pd.DataFrame],
    made: Sequence[Scored],
    *,
    tasks: Sequence[str],
    seed: int,
    fixed_rate: float | None = None,
) -> Framed:
    """The frame of what was made of each base.

    Args:
        bases: the facts of every base.
        before: each base's own samples. A base without any, one that was not made, has no rows.
        made: every output of the treatment, at all rates; arms of hypotheses are not among them.
        tasks: those that count. One whose scores are not between 0 and 1 is left out, and said.
        seed: of the halves.
        fixed_rate: the rate that all bases share, where rates are swept.
    """
    import pandas as pd

    from workbench.study.scores import rates
    from workbench.study.scores.paired_items import halves_of, pair

    counted, notes = _shares(tasks, [*before.values(), *(one.samples for one in made)])
    rows: list[dict[str, Any]] = []
    fallen: list[dict[str, Any]] = []
    for base, samples in before.items():
        facts = bases[base]
        mine = [one for one in made if one.base == base]
        for task in counted:
            halves = halves_of(samples, task, seed)
            for one in mine:
                found = pair(samples, one.samples, task, halves)
                if not found.n:
                    continue
                if found.collapse is not None:
                    fallen.append(_fallen(one, task, found.collapse))
                rows.append(
                    {
                        "base": base,
                        "group": facts.group,
                        "asked": facts.asked,
                        "family": facts.family,
                        "task": task,
                        "treatment": one.treatment,
                        "seed": one.seed,
                        "rate": one.rate,
                        "fixed": one.fixed,
                        **found.columns(),
                        "compute": facts.compute,
                        "log_parameters": facts.log_parameters,
                        "tokens": one.tokens,
                        "bytes": one.bytes,
                    }
                )
    names = ["fixed", *COLUMNS]
    whole = pd.DataFrame(rows, columns=[name for name in names if name != "fixed_after"])
    whole["rate"] = whole["rate"].astype(float)
    whole["seed"] = whole["seed"].astype(object).where(whole["seed"].notna(), None)
    best = rates.best_of(whole, fixed_rate)
    at_fixed = {
        row[:-1]: row[-1]
        for row in whole.loc[whole["fixed"].astype(bool), [*CELL, "after"]].itertuples(
            index=False, name=None
        )
    }
    # Without a rate there is nothing to choose: what is no fine-tune is the same at every one.
    chosen = whole[whole["rate"].isna() | (whole["rate"] == whole["base"].map(best))]
    cells = chosen[list(CELL)].itertuples(index=False, name=None)
    chosen = chosen.assign(fixed_after=[at_fixed.get(cell, float("nan")) for cell in cells])
    return Framed(
        frame=complete(chosen.drop(columns="fixed")),
        rates=rates.section(whole, best, fixed_rate),
        collapsed=fallen,
        notes=notes,
    )


def _shares(tasks: Sequence[str], samples: Sequence[pd.DataFrame]) -> tuple[list[str], list[str]]:
    """The tasks whose scores all lie between 0 and 1, and a note on each of the others."""
    kept, notes = [], []
    for task in tasks:
        scores = [frame.loc[frame["task"] == task, "score"].dropna() for frame in samples]
        if any(bool(((one < 0) | (one > 1)).any()) for one in scores):
            notes.append(f"{task} does not count: its scores are not between 0 and 1")
        else:
            kept.append(task)
    return kept, notes


def _fallen(one: Scored, task: str, why: Any) -> dict[str, Any]:
    return {
        "base": one.base,
        "output": one.output,
        "seed": one.seed,
        "task": task,
        "why": why.why,
        "share": why.share,
    }
