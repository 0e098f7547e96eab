"""What a leaderboard's points are made of: benchmarks of parts, parts of tasks.

A part is what is normalised as one: its tasks' accuracies are averaged by their weights, and the
floor is taken off the average. A benchmark is the plain mean of its parts, the leaderboard's
average the plain mean of the benchmarks. A scheme is data; ``schemes/`` has one file each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: The name under which the mean of all benchmarks stands beside them.
AVERAGE = "average"


@dataclass(frozen=True)
class Task:
    """One score: its key in an evaluation, the items of the whole set, its weight in the part."""

    key: str
    items: int
    weight: float


@dataclass(frozen=True)
class Part:
    """What is normalised as one.

    ``floor`` is what guessing gives. ``same_items``: the tasks score the same items, each in its
    way (IFEval's prompts, and the instructions in them). ``overlap``: how many times larger the
    variance can be than the count of items says, because a question stands in several tasks.
    ``group`` is lm-eval's group whose value weights the tasks in the same way, if there is one.
    """

    tasks: tuple[Task, ...]
    floor: float
    same_items: bool = False
    overlap: float = 1.0
    group: str = ""

    @property
    def items(self) -> int:
        """Items that the part has, those scored in two ways counted once."""
        return self.tasks[0].items if self.same_items else sum(task.items for task in self.tasks)


@dataclass(frozen=True)
class Benchmark:
    """A column of the leaderboard: the plain mean of its normalised parts."""

    name: str
    title: str
    parts: tuple[Part, ...]

    @property
    def items(self) -> int:
        """Items of all parts."""
        return sum(part.items for part in self.parts)

    def tasks(self) -> Iterator[Task]:
        """The tasks of all parts."""
        for part in self.parts:
            yield from part.tasks


@dataclass(frozen=True)
class Scheme:
    """A leaderboard's benchmarks, in its own order."""

    name: str
    title: str
    benchmarks: tuple[Benchmark, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks' names."""
        return tuple(benchmark.name for benchmark in self.benchmarks)

    def benchmark(self, name: str) -> Benchmark:
        """The benchmark of that name.

        Raises:
            KeyError: there is none.
        """
        return {benchmark.name: benchmark for benchmark in self.benchmarks}[name]


def alone(key: str, items: int, floor: float) -> Part:
    """A part of a single task."""
    return Part((Task(key, items, 1.0),), floor)


def pooled(group: str, sizes: dict[str, int], floor: float, overlap: float = 1.0) -> Part:
    """Tasks weighted by their sizes, which is all their items taken as one set."""
    total = sum(sizes.values())
    tasks = tuple(Task(key, size, size / total) for key, size in sizes.items())
    return Part(tasks, floor, overlap=overlap, group=group)
