"""An output against a parent, item by item. Unequal conditions are never compared."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.compare.differences import mcnemar, paired_bootstrap, tango
from workbench.errors import Problem, StepFailed

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation


@dataclass(frozen=True)
class Delta:
    """Child minus parent on one task.

    ``p`` is two-sided, against no difference. ``gained`` and ``lost`` count the items on which the
    child did better and worse.
    """

    delta: float
    ci95: tuple[float, float]
    p: float
    n: int
    method: str
    gained: int
    lost: int


def compare(child: Evaluation, parent: Evaluation) -> dict[str, Delta]:
    """Task by task, the child's gain over the parent, paired by item.

    Right/wrong items: McNemar's exact test with Tango's score interval. Other scores, and items in
    clusters: the paired bootstrap over clusters, with a seed that depends on the task's name only.

    Raises:
        StepFailed: the conditions differ, or the items or prompts do; each difference is named.
    """
    differences = list(unequal(child.conditions, parent.conditions))
    if differences:
        raise StepFailed(
            Problem(
                f"not compared: {difference}",
                "scores under unequal conditions do not say which model is better",
                "score both again under the same conditions",
            )
            for difference in differences
        )
    return {
        task: _compare_task(task, _items(child, task), _items(parent, task))
        for task in child.scores
    }


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


def _compare_task(task: str, child: pd.DataFrame, parent: pd.DataFrame) -> Delta:
    if not child.index.equals(parent.index):
        alone = child.index.symmetric_difference(parent.index)
        raise _refused(task, f"{len(alone)} items were scored for one of the two only")
    other = int((child["prompt_hash"] != parent["prompt_hash"]).sum())
    if other:
        raise _refused(task, f"{other} of {len(child)} items were asked with another prompt")
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
