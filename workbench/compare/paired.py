"""An output against a parent, item by item. Unequal conditions are never compared."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.differences import mcnemar, paired_bootstrap, tango
from workbench.compare.looks import LookPlan, judge
from workbench.errors import Problem, StepFailed

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation


@dataclass(frozen=True)
class Delta:
    """Child minus parent on one task.

    ``p`` is two-sided, against no difference. ``gained`` and ``lost`` count the items on which the
    child did better and worse. With ``n`` below ``of``, the items of the whole task, it is an
    estimate.

    ``look`` and ``looks`` are set where the child's scoring could end early: at which of how many
    looks it did. ``ci95`` and ``p`` then allow for all of them, and ``verdict`` is the one that the
    scoring waited for (see :mod:`workbench.compare.looks`), ``within`` the interval that has to lie
    inside ± ``margin`` for the two to be called equivalent.
    """

    delta: float
    ci95: tuple[float, float]
    p: float
    n: int
    method: str
    gained: int
    lost: int
    of: int | None = None
    look: int | None = None
    looks: int | None = None
    verdict: str | None = None
    margin: float | None = None
    within: tuple[float, float] | None = None


def compare(child: Evaluation, parent: Evaluation) -> dict[str, Delta]:
    """Task by task, the child's gain over the parent, paired by item, on the child's items.

    Right/wrong items: McNemar's exact test with Tango's score interval. Other scores, and items in
    clusters: the paired bootstrap over clusters, with a seed that depends on the task's name only.
    Where the child's scoring could end early, the interval is that of the look at which it did.

    The parent may have been scored further than the child, in batches that begin alike; not the
    other way round, and not where the parent's own scoring ended early on account of its scores.

    Raises:
        StepFailed: the conditions differ, or the items or prompts do; each difference is named.
    """
    rest = _without_parts(child.conditions), _without_parts(parent.conditions)
    differences = list(unequal(*rest))
    differences += _other_parts(child.conditions, parent.conditions)
    if parent.looks and parent is not child:
        differences.append("the parent's scoring could end early: its items were not laid down")
    if differences:
        raise StepFailed(
            Problem(
                f"not compared: {difference}",
                "scores under unequal conditions do not say which model is better",
                "score both again under the same conditions",
            )
            for difference in differences
        )
    return {task: _compare_task(task, child, parent) for task in child.scores}


def _without_parts(conditions: dict[str, Any]) -> dict[str, Any]:
    tasks = conditions.get("tasks", {})
    rest = {
        name: {key: value for key, value in facts.items() if key != "parts"}
        for name, facts in tasks.items()
    }
    return {**conditions, "tasks": rest} if tasks else conditions


def _other_parts(child: dict[str, Any], parent: dict[str, Any]) -> Iterator[str]:
    """Tasks whose items were not put together alike: the parent's parts must begin as the child's.

    A part is batched by itself, so equal parts are equal batches.
    """
    for name, facts in child.get("tasks", {}).items():
        mine = facts.get("parts")
        theirs = parent.get("tasks", {}).get(name, {}).get("parts")
        if mine and theirs and theirs[: len(mine)] != mine:
            yield f"tasks.{name}.parts: {mine!r} against {theirs!r}"


def unequal(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """Each leaf in which two conditions differ: ``batch_size: 16 against 32``."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second}):
            inner = f"{path}.{key}" if path else str(key)
            yield from unequal(first.get(key), second.get(key), inner)
    elif first != second:
        yield f"{path}: {first!r} against {second!r}"


def _items(evaluation: Evaluation, task: str) -> pd.DataFrame:
    """A task's items in an order that does not depend on how they were stored."""
    rows = evaluation.samples[evaluation.samples["task"] == task]
    return rows.set_index(["doc_hash", "item_id"], verify_integrity=True).sort_index()


def _compare_task(task: str, child: Evaluation, parent: Evaluation) -> Delta:
    mine, theirs = common_items(task, child, parent)
    score, looked = child.scores[task], child.looks.get(task)
    if looked is None:
        return replace(_once(task, mine, theirs), of=score.of)
    facts = {key: value for key, value in looked.items() if key != "look"}
    plan = LookPlan.of(facts)
    clusters = mine["cluster"].to_numpy()
    judged = judge(
        theirs["score"].to_numpy(float),
        mine["score"].to_numpy(float),
        clusters if bool((clusters != "").any()) else None,
        plan,
        looked["look"],
    )
    return Delta(
        delta=judged.delta,
        ci95=judged.ci95,
        p=judged.p,
        n=judged.n,
        method=judged.method,
        gained=judged.gained,
        lost=judged.lost,
        of=score.of,
        look=judged.look,
        looks=len(plan.ends),
        verdict=judged.verdict,
        margin=plan.margin,
        within=judged.within,
    )


def common_items(
    task: str, child: Evaluation, parent: Evaluation
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The child's items of a task and the parent's answers to the same, in one order.

    Raises:
        StepFailed: the parent was not asked one of them, was asked others under the same
            conditions, or was asked with another prompt.
    """
    mine, theirs = _items(child, task), _items(parent, task)
    parts = [e.conditions.get("tasks", {}).get(task, {}).get("parts") for e in (child, parent)]
    if parts[0] != parts[1] and mine.index.isin(theirs.index).all():
        theirs = theirs.loc[mine.index]
    if not mine.index.equals(theirs.index):
        alone = mine.index.symmetric_difference(theirs.index)
        raise _refused(task, f"{len(alone)} items were scored for one of the two only")
    other = int((mine["prompt_hash"] != theirs["prompt_hash"]).sum())
    if other:
        raise _refused(task, f"{other} of {len(mine)} items were asked with another prompt")
    return mine, theirs


def _once(task: str, child: pd.DataFrame, parent: pd.DataFrame) -> Delta:
    before, after = parent["score"].to_numpy(float), child["score"].to_numpy(float)
    gained, lost = int((after > before).sum()), int((after < before).sum())
    clusters = child["cluster"].to_numpy()
    clustered = bool((clusters != "").any())
    both = np.concatenate([before, after])
    n = len(before)
    if not clustered and bool(np.all((both == 0) | (both == 1))):
        return Delta(
            delta=(gained - lost) / n,
            ci95=tango(gained, lost, n),
            p=mcnemar(gained, lost),
            n=n,
            method="McNemar exact, Tango interval",
            gained=gained,
            lost=lost,
        )
    interval, p = paired_bootstrap(
        after - before, clusters if clustered else None, seed=zlib.crc32(task.encode())
    )
    return Delta(
        delta=float(np.mean(after - before)),
        ci95=interval,
        p=p,
        n=n,
        method="paired bootstrap over clusters" if clustered else "paired bootstrap",
        gained=gained,
        lost=lost,
    )


def _refused(task: str, fact: str) -> StepFailed:
    return StepFailed(
        Problem(
            f"not compared: {task}: {fact}",
            "items are paired by their content and prompt; these do not match",
            "score both again with the same suite",
        )
    )
