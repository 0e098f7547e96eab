"""How often the intervals hold the truth, by simulation: far from floors, near them, at them.

Each interval should miss at most 5% of the time. At that rate more than 12 of 100 draws miss, or
more than 7 of 40, about once in a thousand times: that many are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import numpy as np
import pytest

from tests.leaderboard.items import INSTRUCTIONS, evaluation, prompts
from workbench.leaderboard.normalise import unclipped
from workbench.leaderboard.points import points_of, points_versus
from workbench.leaderboard.schemes.v2 import IFEVAL, V2

SUITE = "leaderboard-v2"
DRAWS, ALLOWED = 100, 12
PAIRED_DRAWS, PAIRED_ALLOWED = 40, 7
#: A small sample, in items of each task: 10 a subtask of BBH, as a limit of 240 gives.
SIZES = {
    task.key: 10 if name == "bbh" else 25 if name == "musr" else max(2, task.items // 15)
    for name in V2.names
    for task in V2.benchmark(name).tasks()
} | {"leaderboard_mmlu_pro": 200, IFEVAL: 40}


def _chances(kind: str, generator: np.random.Generator) -> dict[str, float]:
    """The chance of a right answer, by task."""
    found = {}
    for benchmark in V2.benchmarks[1:]:
        for part in benchmark.parts:
            for task in part.tasks:
                above = {
                    "guesses": 0.0,
                    "near the floors": generator.normal(0.03, 0.08),
                    "able": generator.uniform(0.05, 0.8),
                }[kind]
                found[task.key] = max(0.01, part.floor + (1 - part.floor) * above)
    return found


def _truth(chances: Mapping[str, float]) -> dict[str, float]:
    """The points of a model with these chances, IFEval aside."""
    return {
        benchmark.name: fmean(
            max(0.0, unclipped(sum(t.weight * chances[t.key] for t in part.tasks), part.floor))
            for part in benchmark.parts
        )
        for benchmark in V2.benchmarks[1:]
    }


def _ifeval_truth(chance: float) -> float:
    generator = np.random.default_rng(99)
    sizes = np.tile(INSTRUCTIONS, 300)
    chances = np.clip(generator.normal(chance, 0.2, len(sizes)), 0, 1)
    return 50 * float((chances**sizes).mean() + (chances * sizes).sum() / sizes.sum())


@pytest.mark.parametrize("kind", ["guesses", "near the floors", "able"])
def test_intervals_of_points_hold_the_truth(kind: str) -> None:
    generator = np.random.default_rng(11)
    chances = _chances(kind, generator)
    truth = _truth(chances) | {"ifeval": _ifeval_truth(0.6)}
    truth["average"] = fmean(truth[name] for name in V2.names)
    missed = dict.fromkeys(truth, 0)
    for _ in range(DRAWS):
        scores = {
            task: (generator.random(SIZES[task]) < p).astype(float) for task, p in chances.items()
        }
        scores[IFEVAL] = prompts(SIZES[IFEVAL], 0.6, generator)  # type: ignore[assignment]
        for name, score in points_of(evaluation(scores), SUITE).items():
            low, high = score.ci95
            missed[name] += not low - 1e-9 <= truth[name] <= high + 1e-9
    assert all(count <= ALLOWED for count in missed.values()), missed


@pytest.mark.parametrize("kind", ["guesses", "near the floors", "able"])
def test_intervals_of_differences_hold_the_truth(kind: str) -> None:
    """A child that gives 30% of the answers anew, with chances of its own."""
    generator = np.random.default_rng(12)
    before = _chances(kind, generator)
    anew = _chances("near the floors" if kind == "guesses" else kind, generator)
    after = {task: 0.7 * before[task] + 0.3 * anew[task] for task in before}
    ours, theirs = _truth(after), _truth(before)
    truth = {name: ours[name] - theirs[name] for name in ours}
    missed = dict.fromkeys(truth, 0)
    for _ in range(PAIRED_DRAWS):
        parent, child = {}, {}
        for task, p in before.items():
            n = SIZES[task]
            parent[task] = (generator.random(n) < p).astype(float)
            drawn = (generator.random(n) < anew[task]).astype(float)
            child[task] = np.where(generator.random(n) < 0.3, drawn, parent[task])
        found = points_versus(evaluation(child), evaluation(parent), SUITE)
        for name, row in found.items():
            low, high = row["ci95"]
            missed[name] += not low - 1e-9 <= truth[name] <= high + 1e-9
    assert all(count <= PAIRED_ALLOWED for count in missed.values()), missed
