"""A benchmark's figure as a function of its tasks' mean scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.leaderboard.scheme import AVERAGE, Benchmark
from workbench.leaderboard.schemes import scheme_of


@dataclass(frozen=True)
class Part:
    """What is above one floor: the shares of its tasks' means, and its weight in the figure.

    ``shares`` are by score key, as in ``Evaluation.scores``, and sum to 1.
    """

    floor: float
    weight: float
    shares: Mapping[str, float]

    @property
    def slope(self) -> float:
        """How far the figure moves with this part's mean, above the floor."""
        return self.weight / (1 - self.floor)


@dataclass(frozen=True)
class Formula:
    """``sum over parts of weight * max(0, (mean - floor) / (1 - floor))``.

    Weights carry the unit: they sum to 100 for points, to 1 for a score from 0 to 1.
    """

    parts: tuple[Part, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every score that the figure needs."""
        return tuple(dict.fromkeys(task for part in self.parts for task in part.shares))

    def value(self, means: Mapping[str, Any]) -> Any:
        """The figure for these mean scores, or arrays of them; ``KeyError`` for one missing."""
        return sum(
            part.slope * np.maximum(0.0, self.mean(part, means) - part.floor) for part in self.parts
        )

    @staticmethod
    def mean(part: Part, means: Mapping[str, Any]) -> Any:
        """The mean that is held against the floor of ``part``."""
        return sum(share * means[task] for task, share in part.shares.items())

    def slopes(self) -> dict[str, float]:
        """How far the figure moves with each task's mean, as if all were above their floors."""
        found: dict[str, float] = {}
        for part in self.parts:
            for task, share in part.shares.items():
                found[task] = found.get(task, 0.0) + part.slope * share
        return found


def plain(task: str) -> Formula:
    """A task's own score, from 0 to 1."""
    return Formula((Part(0.0, 1.0, {task: 1.0}),))


def mean_of(formulas: list[Formula]) -> Formula:
    """The plain mean of several figures, such as a leaderboard's average."""
    return Formula(
        tuple(
            replace(part, weight=part.weight / len(formulas))
            for formula in formulas
            for part in formula.parts
        )
    )


def formulas(scored: Collection[str], scheme: str | None) -> dict[str, Formula]:
    """Every figure that the score keys ``scored`` allow, by its column in a published table.

    With a leaderboard's ``scheme`` its benchmarks, in points, and their average where none is
    missing; without one each task's own score. A mean of those would need to know which tasks ask
    the same questions.
    """
    if scheme is None:
        return {task: plain(task) for task in scored}
    of = scheme_of(scheme)
    found = {
        benchmark.name: _of_benchmark(benchmark)
        for benchmark in of.benchmarks
        if all(task.key in scored for task in benchmark.tasks())
    }
    if len(found) == len(of.benchmarks):
        found[AVERAGE] = mean_of(list(found.values()))
    return found


def _of_benchmark(benchmark: Benchmark) -> Formula:
    return Formula(
        tuple(
            Part(
                part.floor,
                100 / len(benchmark.parts),
                {task.key: task.weight for task in part.tasks},
            )
            for part in benchmark.parts
        )
    )
