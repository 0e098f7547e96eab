"""An evaluation's scores as leaderboard points, with intervals, alone and against a parent.

From items where they are known; from published raw accuracies, whose numbers of items are known,
by :func:`points_of_raw`. A benchmark whose tasks were not all scored has no points, and then the
average has none either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, StepFailed
from workbench.evaluate.intervals import normal_quantile, wilson
from workbench.leaderboard import ifeval
from workbench.leaderboard.carried import Carried, Unclipped, clipped, clipped_difference, mean
from workbench.leaderboard.normalise import unclipped
from workbench.leaderboard.parts import Gap, Mean, gap_between, mean_of
from workbench.leaderboard.scheme import AVERAGE, Benchmark, Part, Scheme
from workbench.leaderboard.schemes import scheme_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.result import Evaluation

METHOD = "Wilson by part, distances combined (MOVER)"
PAIRED_METHOD = "Tango by part, distances combined (MOVER), paired by item"


@dataclass(frozen=True)
class PointScore:
    """Points from 0 to 100 with their 95% interval.

    ``n`` counts the items scored and ``of`` those of the whole sets: with fewer, the figure is an
    estimate of what the whole sets would give.
    """

    value: float
    ci95: tuple[float, float]
    n: int
    of: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """The score as ``results.json`` holds it."""
        return {**asdict(self), "ci95": list(self.ci95)}


def points_of(evaluation: Evaluation, scheme: str) -> dict[str, PointScore]:
    """Points by benchmark, and ``average`` where all benchmarks were scored."""
    of = scheme_of(scheme)
    items = _by_task(evaluation)
    carried, counts = {}, {}
    for benchmark in _scored(of, items):
        means = [
            mean_of(part, {task.key: items[task.key] for task in part.tasks})
            for part in benchmark.parts
        ]
        carried[benchmark.name] = mean(
            [
                clipped(*(unclipped(x, part.floor) for x in (m.value, m.low, m.high)))
                for part, m in zip(benchmark.parts, means, strict=True)
            ]
        )
        counts[benchmark.name] = sum(m.n for m in means)
    return _scores(of, carried, counts)


def points_of_raw(raw: Mapping[str, float], scheme: str) -> dict[str, PointScore]:
    """Points from accuracies (0 to 1) by task over the whole sets, as leaderboards publish them.

    Where a part's tasks are pooled by size, lm-eval's group value serves in their place.
    """
    of = scheme_of(scheme)
    carried = {}
    for benchmark in of.benchmarks:
        parts = [_raw_part(part, raw) for part in benchmark.parts]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            carried[benchmark.name] = mean(known)
    return _scores(of, carried, {name: of.benchmark(name).items for name in carried})


def points_versus(child: Evaluation, parent: Evaluation, scheme: str) -> dict[str, dict[str, Any]]:
    """``{benchmark: {delta, ci95, p, n, of, method}}`` in points, child minus parent.

    ``p`` is two-sided against no difference: the level at which the interval would end at 0.

    Raises:
        StepFailed: the two were not scored on the same items.
    """
    of = scheme_of(scheme)
    ours, theirs = _by_task(child), _by_task(parent)
    found: dict[str, dict[str, Any]] = {}
    pieces: dict[str, list[_Piece]] = {}
    counts: dict[str, int] = {}
    for benchmark in _scored(of, ours.keys() & theirs.keys()):
        for task in benchmark.tasks():
            ours[task.key], theirs[task.key] = _paired(task.key, ours[task.key], theirs[task.key])
        pieces[benchmark.name] = [_piece(part, ours, theirs) for part in benchmark.parts]
        counts[benchmark.name] = sum(p.ours.n for p in pieces[benchmark.name])
        found[benchmark.name] = _versus([pieces[benchmark.name]])
    if len(found) == len(of.benchmarks):
        found[AVERAGE] = _versus(list(pieces.values()))
        counts[AVERAGE] = sum(counts.values())
    for name, row in found.items():
        row |= {"n": counts[name], "of": _size(of, name), "method": PAIRED_METHOD}
    return found


@dataclass(frozen=True)
class _Piece:
    """A part's two means and the gap between them."""

    part: Part
    ours: Mean
    theirs: Mean
    gap: Gap

    def carried(self, z: float) -> Carried:
        floor = self.part.floor
        scale = 100 / (1 - floor)
        low, high = self.gap.reach(z)
        ours, theirs = (
            Unclipped(*(unclipped(x, floor) for x in (m.value, m.low, m.high)))
            for m in (self.ours, self.theirs)
        )
        return clipped_difference(ours, theirs, scale * low, scale * high)


def _piece(
    part: Part, ours: Mapping[str, pd.DataFrame], theirs: Mapping[str, pd.DataFrame]
) -> _Piece:
    return _Piece(part, mean_of(part, ours), mean_of(part, theirs), gap_between(part, ours, theirs))


def _versus(benchmarks: Sequence[Sequence[_Piece]]) -> dict[str, Any]:
    def carried(z: float) -> Carried:
        return mean([mean([piece.carried(z) for piece in pieces]) for pieces in benchmarks])

    at95 = carried(normal_quantile())
    return {"delta": at95.value, "ci95": list(at95.interval), "p": _p(carried)}


def _p(carried: Callable[[float], Carried]) -> float:
    """The two-sided level at which the interval would just end at 0."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def clear(z: float) -> float:
        """How far 0 lies outside the limits at ``z``; negative inside."""
        low, high = carried(z).interval
        return max(low, -high)

    lowest, highest = 1e-6, 9.0
    if clear(lowest) <= 0:
        return 1.0
    if clear(highest) > 0:
        return float(2 * ndtr(-highest))
    return float(2 * ndtr(-brentq(clear, lowest, highest, xtol=1e-6)))


def _by_task(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    return {str(task): rows for task, rows in evaluation.samples.groupby("task", sort=False)}


def _paired(
    task: str, ours: pd.DataFrame, theirs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A task's items of two evaluations in the same order.

    Raises:
        StepFailed: they are not the same items, or were not asked in the same words.
    """
    keys = ["doc_hash", "item_id"]
    if not all(ours[key].to_numpy().tolist() == theirs[key].to_numpy().tolist() for key in keys):
        ours, theirs = ours.sort_values(keys), theirs.sort_values(keys)
    for column, what in (("doc_hash", "items"), ("item_id", "items"), ("prompt_hash", "prompts")):
        if ours[column].to_numpy().tolist() != theirs[column].to_numpy().tolist():
            raise StepFailed(
                Problem(
                    f"points not compared: {task}: the {what} differ",
                    "points are compared item by item, asked in the same words",
                    "score both again under the same conditions",
                )
            )
    return ours, theirs


def _scored(scheme: Scheme, tasks: Any) -> list[Benchmark]:
    """The benchmarks all of whose tasks were scored."""
    return [b for b in scheme.benchmarks if all(task.key in tasks for task in b.tasks())]


def _raw_part(part: Part, raw: Mapping[str, float]) -> Carried | None:
    """A part from its tasks' accuracies, or from its group's; ``None`` where neither is known."""
    if all(task.key in raw for task in part.tasks):
        value = sum(task.weight * raw[task.key] for task in part.tasks)
    elif part.group in raw:
        value = raw[part.group]
    else:
        return None
    size = 1 / sum(task.weight**2 / task.items for task in part.tasks) / part.overlap
    if part.same_items:
        variance = ifeval.variance(*(raw[task.key] for task in part.tasks))
        size = value * (1 - value) / variance if variance > 0 else part.items
    interval = wilson(min(value, 1.0) * size, size)
    return clipped(*(unclipped(x, part.floor) for x in (value, *interval)))


def _scores(
    scheme: Scheme, carried: Mapping[str, Carried], counts: Mapping[str, int]
) -> dict[str, PointScore]:
    figures = dict(carried)
    numbers = dict(counts)
    if len(figures) == len(scheme.benchmarks):
        figures[AVERAGE] = mean(list(carried.values()))
        numbers[AVERAGE] = sum(counts.values())
    return {
        name: PointScore(
            figure.value, _within(figure.interval), numbers[name], _size(scheme, name), METHOD
        )
        for name, figure in figures.items()
    }


def _within(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    return max(0.0, low), min(100.0, high) if math.isfinite(high) else 100.0


def _size(scheme: Scheme, name: str) -> int:
    if name == AVERAGE:
        return sum(benchmark.items for benchmark in scheme.benchmarks)
    return scheme.benchmark(name).items
