"""An evaluation's items, task by task in one order: what differences and effects are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation


@dataclass(frozen=True)
class TaskItems:
    """A task's rows, ordered by ``keys`` (content and id).

    ``questions`` names what was asked at once: instructions ``ID#k`` of one prompt share it.
    ``clusters`` is empty where items are independent.
    """

    keys: np.ndarray
    scores: np.ndarray
    questions: np.ndarray
    clusters: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.scores.mean())

    def units(self, several: bool) -> np.ndarray:
        """What is independent: a cluster, or else a question.

        Where a set is scored in ``several`` ways its rows must meet, so that there it is the
        question even where only some of the rows name a cluster.
        """
        if several:
            return self.questions
        return np.where(self.clusters == "", self.questions, self.clusters)


class Items:
    """The items of an evaluation by task; read from its table once."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.scores = evaluation.scores

    @cached_property
    def tasks(self) -> dict[str, TaskItems]:
        """By score key."""
        groups = self.evaluation.samples.groupby("task", sort=False)
        return {str(task): _ordered(rows) for task, rows in groups}

    def size(self, name: str, tasks: Sequence[str], number: int) -> int:
        """Questions of the whole set, of which ``number`` were asked."""
        score = self.scores[name if name in tasks else tasks[0]]
        # An evaluation that does not say how many there are was of all of them.
        return max(number, round(number * (score.of or score.n) / score.n))


def _ordered(rows: pd.DataFrame) -> TaskItems:
    docs, names = rows["doc_hash"].to_numpy(str), rows["item_id"].to_numpy(str)
    keys = np.char.add(np.char.add(docs, "\0"), names)
    order = np.argsort(keys, kind="stable")
    questions = np.char.add(np.char.add(docs, "\0"), np.char.partition(names, "#")[:, 0])
    return TaskItems(
        keys[order],
        rows["score"].to_numpy(float)[order],
        questions[order],
        rows["cluster"].to_numpy(str)[order],
    )


def by_set(tasks: Sequence[str]) -> dict[str, list[str]]:
    """Score keys by the set whose items they score: ``TASK`` and ``TASK/METRIC`` are of one."""
    sets: dict[str, list[str]] = {}
    for task in tasks:
        sets.setdefault(task.partition("/")[0], []).append(task)
    return sets
