"""What a limited evaluation says of the whole task, with the help of parents known on all items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.control_variate import Estimate, difference_estimate, regression_estimate

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation

#: The half-width for which the number of items is told: two points of a hundred.
WANTED = 0.02
#: Items for each coefficient to be fitted: with fewer, only as many controls as there is room for.
UNITS_PER_CONTROL = 10


def whole_set_estimates(
    child: Evaluation, known: Mapping[str, Evaluation]
) -> dict[str, dict[str, Any]]:
    """By task: the child's score on all items, estimated from its sample and the parents' scores.

    ``known`` holds parents by name, nearest first; one counts for a task if it was scored on all
    its items. Nothing is claimed of a task without such a parent, of one that the child was scored
    on in whole, or of a child whose scoring could end early: a sample that ended on account of
    what it showed is no fair sample.

    Returns JSON-ready blocks: ``value``, ``ci95`` for the whole task's score, ``ci95_items`` for
    the mean over all such items, ``n``, ``of``, ``factor``, ``control`` (the parents' names),
    ``coefficients``, ``method``; ``paired``, the same with the nearest parent's coefficient held
    at one; and ``items_for``, the items that would bring ``ci95`` to ± ``half_width``, with
    controls and without.
    """
    found: dict[str, dict[str, Any]] = {}
    if child.looks:
        return found
    for task, score in child.scores.items():
        if not score.is_estimate:
            continue
        mine = _indexed(child, task)
        controls = _controls(task, mine, known)
        if controls:
            found[task] = _estimate(mine, controls)
    return found


def _controls(
    task: str, mine: pd.DataFrame, known: Mapping[str, Evaluation]
) -> dict[str, pd.DataFrame]:
    """Parents with a score for every item of the task, the child's among them."""
    controls: dict[str, pd.DataFrame] = {}
    room = len(set(_units(mine) or mine.index)) // UNITS_PER_CONTROL
    for name, parent in known.items():
        score = parent.scores.get(task)
        if score is None or score.of is None or score.is_estimate or parent.looks:
            continue
        theirs = _indexed(parent, task)
        if mine.index.isin(theirs.index).all() and len(controls) < room:
            controls[name] = theirs
    return controls


def _estimate(mine: pd.DataFrame, controls: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    y = mine["score"].to_numpy(float)
    x = np.column_stack([c.loc[mine.index, "score"].to_numpy(float) for c in controls.values()])
    means = [float(c["score"].mean()) for c in controls.values()]
    of = len(next(iter(controls.values())))
    units = _units(mine)
    best = regression_estimate(y, x, means, of, units=units)
    paired = difference_estimate(y, x[:, 0], means[0], of, units=units)
    plain = regression_estimate(y, np.zeros(len(y)), [0.0], of, units=units)
    return {
        **_facts(best),
        "control": list(controls),
        "coefficients": list(best.coefficients),
        "paired": _facts(paired),
        "items_for": {
            "half_width": WANTED,
            "items": best.items_for(WANTED),
            "without_control": plain.items_for(WANTED),
        },
    }


def _facts(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "ci95": list(estimate.ci95),
        "ci95_items": list(estimate.ci95_items),
        "n": estimate.n,
        "of": estimate.of,
        "factor": estimate.factor,
        "method": estimate.method,
    }


def _indexed(evaluation: Evaluation, task: str) -> pd.DataFrame:
    rows = evaluation.samples[evaluation.samples["task"] == task]
    return rows.set_index(["doc_hash", "item_id"], verify_integrity=True).sort_index()


def _units(rows: pd.DataFrame) -> Sequence[str] | None:
    """What was drawn: items, even where each has several rows; ``None`` where each has one."""
    docs = rows.index.get_level_values("doc_hash")
    parts = rows.index.get_level_values("item_id").str.contains("#").any()
    return list(docs) if parts and docs.has_duplicates else None
