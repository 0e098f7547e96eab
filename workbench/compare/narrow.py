"""An evaluation seen on the items of another: what a paired comparison may use of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation, Score


def narrowed(evaluation: Evaluation, to: Evaluation) -> Evaluation:
    """``evaluation`` as it was when it had been asked the items of ``to``, and no more.

    Possible where each task's parts (see :class:`~workbench.evaluate.result.Evaluation`) begin with
    those of ``to``: the batches of those items were then the same. Otherwise, and where nothing is
    to be taken away, it comes back as it is; a comparison will name what differs.
    """
    from workbench.evaluate.intervals import mean_interval
    from workbench.evaluate.result import fingerprint

    asked = {name: facts["parts"] for name, facts in to.conditions.get("tasks", {}).items()}
    tasks = evaluation.conditions.get("tasks", {})
    further = [name for name, parts in asked.items() if tasks.get(name, {}).get("parts") != parts]
    if not further or any(
        tasks.get(name, {}).get("parts", [])[: len(asked[name])] != asked[name] for name in further
    ):
        return evaluation
    kept = evaluation.samples.merge(to.samples[["task", "doc_hash", "item_id"]])
    conditions = {
        **evaluation.conditions,
        "tasks": {name: {**facts, "parts": asked.get(name)} for name, facts in tasks.items()},
    }
    scores: dict[str, Score] = {}
    for task, score in evaluation.scores.items():
        rows = kept[kept["task"] == task]
        clusters = rows["cluster"].to_numpy() if (rows["cluster"] != "").any() else None
        interval, method = mean_interval(rows["score"].to_numpy(float), clusters)
        value = float(sum(rows["score"]) / len(rows))
        scores[task] = replace(score, value=value, ci95=interval, n=len(rows), method=method)
    return replace(
        evaluation,
        conditions=conditions,
        fingerprint=fingerprint(conditions),
        scores=scores,
        samples=kept,
    )
