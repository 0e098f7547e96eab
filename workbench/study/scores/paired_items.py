"""One output against its base, item by item, on each half of a task's items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.study.scores.collapsed import Collapse, collapsed
from workbench.study.scores.halves import Half, split

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Paired:
    """What a frame's row holds of one output on one task.

    ``n`` and the scores without a letter are of half B, ``before_a`` and ``after_a`` of half A;
    standard errors are of means over items, clustered where items come in clusters, ``se_gain``
    that of the mean difference. ``None`` where a half has no item, or one cluster only.
    """

    n: int
    before: float | None
    after: float | None
    before_a: float | None
    after_a: float | None
    se_before: float | None
    se_after: float | None
    se_gain: float | None
    collapse: Collapse | None

    def columns(self) -> dict[str, Any]:
        """For the frame."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**found, "collapsed": found.pop("collapse") is not None}


def halves_of(samples: pd.DataFrame, task: str, seed: int) -> Mapping[str, Half]:
    """The half of each item of a task, by ``doc_hash``, from the base's own samples."""
    rows = samples[samples["task"] == task]
    hashes, clusters = rows["doc_hash"].astype(str).tolist(), rows["cluster"].astype(str).tolist()
    return split(hashes, clusters, task=task, seed=seed)


def pair(
    before: pd.DataFrame, after: pd.DataFrame, task: str, halves: Mapping[str, Half]
) -> Paired:
    """``after`` against ``before`` on the items of ``task`` that both have a score for.

    Both are samples (:data:`workbench.evaluate.result.COLUMNS`). An item is known by its content.
    """
    keys = ["doc_hash", "item_id"]
    mine = after[after["task"] == task]
    theirs = before[before["task"] == task][[*keys, "score"]]
    both = mine.merge(theirs, on=keys, suffixes=("", "_before"), validate="one_to_one")
    both = both[both["score"].notna() & both["score_before"].notna()]
    half = both["doc_hash"].astype(str).map(halves)
    a, b = both[half == "A"], both[half == "B"]
    clusters = b["cluster"].astype(str).where(b["cluster"].astype(str) != "", b["doc_hash"])
    return Paired(
        n=len(b),
        before=_mean(b["score_before"]),
        after=_mean(b["score"]),
        before_a=_mean(a["score_before"]),
        after_a=_mean(a["score"]),
        se_before=_error(b["score_before"], clusters),
        se_after=_error(b["score"], clusters),
        se_gain=_error(b["score"] - b["score_before"], clusters),
        collapse=collapsed(
            [None if answer != answer else answer for answer in mine["answer"].tolist()],
            mine["target"].astype(str).tolist(),
            mine["score"].tolist(),
        ),
    )


def _mean(scores: pd.Series) -> float | None:
    return float(scores.mean()) if len(scores) else None


def _error(scores: pd.Series, clusters: pd.Series) -> float | None:
    import math

    from workbench.evaluate.intervals import clustered_error

    if len(scores) < 2:
        return None
    error, _ = clustered_error(scores.to_numpy(float), clusters.tolist())
    return error if math.isfinite(error) else None
