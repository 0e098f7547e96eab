"""The same items under a base and under what was trained from it, and resamples of them.

Hypotheses about the treatment compare arms item by item. An item that several seeds answered
counts with its mean over them: intervals are over items, and do not tell how the seeds scatter.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.study.hypothesis import Finding
from workbench.study.scores.halves import split
from workbench.study.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]

#: What the base's own scores are called among the arms.
BEFORE = "before"
#: The treatment at the study's fixed rate.
TREATMENT = "treatment"
RESAMPLES = 4000
#: Numbers held at once while resampling.
_BLOCK = 1 << 22
#: What an item is.
KEY = ["task", "doc_hash", "item_id"]


@dataclass(frozen=True)
class Items:
    """Items of one or several tasks, in an order of their own, with a score under every arm.

    ``scores`` is [items, arms], in the order of ``arms``. ``clusters`` are numbers: items of one
    cluster are drawn together. ``first`` says which items belong to half A of their task.
    """

    arms: tuple[str, ...]
    scores: Numbers
    tasks: NDArray[np.int64]
    clusters: NDArray[np.int64]
    first: NDArray[np.bool_]
    keys: tuple[tuple[str, str, str], ...]

    def __len__(self) -> int:
        return len(self.scores)

    def half(self, first: bool) -> Items:
        """The items of half A, or those of half B."""
        kept = self.first == first
        return Items(
            self.arms,
            self.scores[kept],
            self.tasks[kept],
            self.clusters[kept],
            self.first[kept],
            tuple(key for key, keep in zip(self.keys, kept, strict=True) if keep),
        )

    def of(self, arm: str) -> Numbers:
        """The scores under one arm."""
        return self.scores[:, self.arms.index(arm)]

    def means(self) -> Numbers:
        """The score of every arm, [arms]: the mean over tasks of the mean over their items."""
        return np.mean([self.scores[self.tasks == t].mean(axis=0) for t in self._tasks()], axis=0)

    def resampled(self, seed: int, label: str, resamples: int = RESAMPLES) -> Numbers:
        """:meth:`means` of resamples, [resamples, arms]; all arms are drawn together.

        Clusters (items, where there are none) are drawn with replacement within each task. The
        same items, seed and label give the same numbers, whatever order the items came in.
        """
        generator = np.random.default_rng([seed, zlib.crc32(label.encode())])
        tasks = self._tasks()
        total = np.zeros((resamples, len(self.arms)))
        for task in tasks:
            here = self.tasks == task
            _, cluster = np.unique(self.clusters[here], return_inverse=True)
            sizes = np.bincount(cluster).astype(float)
            sums = np.stack(
                [np.bincount(cluster, weights=column) for column in self.scores[here].T], axis=1
            )
            block = max(1, _BLOCK // len(sizes))
            for start in range(0, resamples, block):
                rows = min(block, resamples - start)
                drawn = generator.integers(len(sizes), size=(rows, len(sizes)))
                drawn += np.arange(rows)[:, None] * len(sizes)
                counts = np.bincount(drawn.ravel(), minlength=rows * len(sizes))
                counts = counts.reshape(rows, len(sizes)).astype(float)
                total[start : start + rows] += (counts @ sums) / (counts @ sizes)[:, None]
        return total / len(tasks)

    def _tasks(self) -> NDArray[np.int64]:
        return np.unique(self.tasks)


def paired(subject: Subject, arms: Iterable[str]) -> Items | str:
    """The items that the base and all ``arms`` were scored on; in words, why there are none.

    An arm that was not made, or that shares no item with the others, is a reason.
    """
    names = list(dict.fromkeys(arms))
    if subject.before is None or not len(subject.before):
        return "the base has no scores"
    missing = [name for name in names if name not in subject.after or not len(subject.after[name])]
    if missing:
        return f"{_listed(missing)} {'was' if len(missing) == 1 else 'were'} not made or not scored"
    columns = {BEFORE: by_item(subject.before)}
    return join(columns | {name: by_item(subject.after[name]) for name in names}, subject)


def join(columns: Mapping[str, pd.Series], subject: Subject) -> Items | str:
    """Scores by item, one series an arm, on the items that all of them have.

    Clusters and halves are those of the items of ``subject.before``.
    """
    import pandas as pd

    assert subject.before is not None
    table = pd.concat(columns, axis=1, join="inner").dropna().sort_index()
    if not len(table):
        return "no item was scored both before and after"
    names = _clusters(subject.before).reindex(table.index)
    tasks = table.index.get_level_values("task")
    return Items(
        tuple(columns),
        table.to_numpy(float),
        np.unique(tasks, return_inverse=True)[1],
        np.unique(names.to_numpy(str), return_inverse=True)[1],
        _first_half(subject.before, table.index, subject.seed),
        tuple(table.index),
    )


def interval(values: Numbers) -> tuple[float, float]:
    """Percentile interval at 95%, the same rank from either end.

    A point where all resamples agree, as where every item was right: a bootstrap knows no more.
    """
    ordered = np.sort(values)
    rank = int(0.025 * len(ordered))
    return float(ordered[rank]), float(ordered[-1 - rank])


def share_of(part: Numbers, whole: Numbers) -> Numbers:
    """``part / whole`` of resamples; where the whole is not positive, infinitely far off."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.where(part > 0, np.inf, -np.inf))


def surely_above(finding: Finding, threshold: float) -> bool | None:
    """Whether the whole interval lies above ``threshold``; ``None`` where it lies on both sides."""
    if finding.value is None or finding.ci95 is None:
        return None
    low, high = finding.ci95
    return True if low > threshold else None if high > threshold else False


def by_item(frame: pd.DataFrame) -> pd.Series:
    """The score of every item, the mean over its seeds."""
    # Sums of floats depend on their order: of rows in any order, the same mean.
    return frame.sort_values([*KEY, "score"]).groupby(KEY)["score"].mean()


def _clusters(frame: pd.DataFrame) -> pd.Series:
    """The name of each item's cluster, or its own where it is independent."""
    rows = frame.drop_duplicates(KEY).set_index(KEY)
    own = rows.index.get_level_values("task") + "/" + rows.index.get_level_values("doc_hash")
    alone = own + "/" + rows.index.get_level_values("item_id")
    named = rows.index.get_level_values("task") + "/cluster/" + rows["cluster"].astype(str)
    return named.where(rows["cluster"].astype(str) != "", alone)


def _first_half(before: pd.DataFrame, index: pd.MultiIndex, seed: int) -> NDArray[np.bool_]:
    """Which items of ``index`` are in half A, the halves being those of all that were asked."""
    rows = before.drop_duplicates(KEY)
    halves = {
        task: split(list(here["doc_hash"]), list(here["cluster"]), task=str(task), seed=seed)
        for task, here in rows.groupby("task")
    }
    return np.array([halves[task][doc_hash] == "A" for task, doc_hash, _ in index])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
