"""Measuring paths on probes: what is not in the ledger yet is asked, scored and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.progress import Progress
from workbench.relayer.path import Path
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.ledger.ledger import Ledger
from workbench.scan.probes.asking import check_question, check_score
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split
from workbench.scan.probes.probe import Probe
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.request import Generation, Reading, Reply, Text
from workbench.scan.schedule.trie import build
from workbench.scan.schedule.workers import Done, Job, Workers

Floats = npt.NDArray[np.float64]

#: Items that stay together while a job is cut smaller, for the sake of their common beginnings.
_TOGETHER = 16


@dataclass
class Asked:
    """A probe with its items, each turned into questions when it is first needed."""

    name: str
    probe: Probe
    encoder: Encoder
    items: dict[Split, list[Item]]
    questions: dict[str, list[Reading] | Generation] = field(default_factory=dict)

    def ids(self, split: Split) -> list[str]:
        """The items' ids, in their order."""
        return [item.id for item in self.items[split]]

    def of(self, item: Item) -> list[Reading] | Generation:
        """What ``item`` asks of the model."""
        if item.id not in self.questions:
            question = self.probe.ask(item, self.encoder)
            check_question(self.name, item, question, self.encoder)
            self.questions[item.id] = question
        return self.questions[item.id]

    def score(self, item: Item, answers: Sequence[Reply] | Text) -> dict[str, float]:
        """The item's score by metric; NaN in all where the path overflowed."""
        if isinstance(answers, Text) and answers.overflow:
            return dict.fromkeys(self.probe.metrics, float("nan"))
        plain = self.encoder.text(answers.tokens) if isinstance(answers, Text) else answers
        given = self.probe.score(item, plain)
        check_score(self.name, item, answers, given)
        return given


@dataclass
class Cost:
    """What all measuring of one process took."""

    work: Work = field(default_factory=Work)
    seconds: float = 0.0
    answers: int = 0


class Measurer:
    """A :class:`~workbench.scan.search.meter.Meter` over a ledger.

    ``most_layer_tokens`` is how many tokens times layers a job may cost: a job is what a kill
    loses at most, so it should take about a minute.
    """

    def __init__(
        self,
        asked: Sequence[Asked],
        workers: Workers,
        ledger: Ledger,
        *,
        n_layers: int,
        budget_bytes: int,
        most_layer_tokens: int,
        progress: Progress,
    ) -> None:
        self.n_layers = n_layers
        self.asked = list(asked)
        self.cost = Cost()
        self._workers, self._ledger, self._progress = workers, ledger, progress
        self._budget, self._most = budget_bytes, most_layer_tokens

    def measure(
        self, paths: Sequence[Path], items: int | None = None, label: str = ""
    ) -> dict[str, Floats]:
        """The primary metric by probe, ``[paths, items]``; NaN where a path overflowed."""
        self.ensure("search", paths, items, label)
        return {
            asked.name: self._ledger.scores(
                asked.name, "search", asked.probe.metrics[0], paths, asked.ids("search")[:items]
            )
            for asked in self.asked
        }

    def ensure(
        self, split: Split, paths: Sequence[Path], items: int | None = None, label: str = ""
    ) -> None:
        """Measure those pairs of ``paths`` and the first ``items`` that are not in the ledger."""
        for asked in self.asked:
            ids = asked.ids(split)[:items]
            missing = self._ledger.missing(asked.name, split, paths, ids)
            if missing:
                self._ask(asked, split, missing, f"{label or split}: {asked.name}")

    def results(self, split: Split, paths: Sequence[Path], *, holes: bool) -> list[ProbeScores]:
        """What is known of ``paths`` for every probe with items in ``split``.

        With ``holes``, a pair that was never measured is marked so; else it is an error.
        """
        found = []
        for asked in self.asked:
            ids = asked.ids(split)
            if not ids:
                continue
            measured = np.ones((len(paths), len(ids)), dtype=bool)
            if holes:
                column = {item: at for at, item in enumerate(ids)}
                row = {path: at for at, path in enumerate(paths)}
                for some, lacking in self._ledger.missing(asked.name, split, paths, ids):
                    at = np.ix_([row[p] for p in some], [column[i] for i in lacking])
                    measured[at] = False
            found.append(
                ProbeScores(
                    name=asked.name,
                    metric=asked.probe.metrics[0],
                    metrics=asked.probe.metrics,
                    needs_generation=asked.probe.needs_generation,
                    floors=asked.probe.floors,
                    paths=list(paths),
                    items=ids,
                    scores=self._scores(asked, split, paths, ids, measured),
                    measured=measured,
                )
            )
        return found

    def _scores(
        self, asked: Asked, split: Split, paths: Sequence[Path], ids: list[str], there: np.ndarray
    ) -> dict[str, Floats]:
        scores = {metric: np.full(there.shape, np.nan) for metric in asked.probe.metrics}
        # Paths that a race dropped at the same item are read together.
        lengths = there.sum(axis=1)
        for length in np.unique(lengths[lengths > 0]):
            rows = np.flatnonzero(lengths == length)
            some = [paths[int(r)] for r in rows]
            columns = np.flatnonzero(there[rows[0]])
            for metric, values in scores.items():
                values[np.ix_(rows, columns)] = self._ledger.scores(
                    asked.name, split, metric, some, [ids[int(c)] for c in columns]
                )
        return scores

    def _ask(
        self,
        asked: Asked,
        split: Split,
        missing: Sequence[tuple[list[Path], list[str]]],
        label: str,
    ) -> None:
        by_id = {item.id: item for item in asked.items[split]}
        cells = [
            cell
            for paths, ids in missing
            for cell in self._cells(asked, paths, [by_id[each] for each in ids])
        ]
        jobs = [Job(paths, _flat(asked, items), self._budget) for paths, items in cells]
        start = time.monotonic()
        with self._progress.bar(label, sum(job.ticks for job in jobs)) as tick:
            for number, done in self._workers.answer(jobs, tick):
                paths, items = cells[number]
                self._ledger.add(
                    asked.name,
                    split,
                    paths,
                    [item.id for item in items],
                    _scored(asked, items, done),
                    self.n_layers,
                )
                self.cost.work.add(done.work)
                self.cost.answers += len(paths) * len(items)
        self.cost.seconds += time.monotonic() - start

    def _cells(
        self, asked: Asked, paths: list[Path], items: list[Item]
    ) -> Iterator[tuple[list[Path], list[Item]]]:
        """Jobs that are small enough, cut between items first and then between paths."""
        tokens = sum(map(_tokens, _flat(asked, items)))
        small = build(paths).passes * tokens <= self._most
        if small or (len(items) <= _TOGETHER and len(paths) == 1):
            yield paths, items
        elif len(items) > _TOGETHER:
            middle = len(items) // 2
            yield from self._cells(asked, paths, items[:middle])
            yield from self._cells(asked, paths, items[middle:])
        else:
            middle = len(paths) // 2
            yield from self._cells(asked, paths[:middle], items)
            yield from self._cells(asked, paths[middle:], items)


def _flat(asked: Asked, items: Sequence[Item]) -> list[Reading] | list[Generation]:
    """The questions of some items, one after the other."""
    questions = [asked.of(item) for item in items]
    generations = [q for q in questions if isinstance(q, Generation)]
    if generations:
        return generations
    return [reading for q in questions if not isinstance(q, Generation) for reading in q]


def _tokens(question: Reading | Generation) -> int:
    more = question.max_new_tokens if isinstance(question, Generation) else 0
    return len(question.tokens) + more


def _scored(asked: Asked, items: Sequence[Item], done: Done) -> dict[str, Floats]:
    """By metric, ``[paths, items]`` from a job's answers."""
    scores: dict[str, Floats] = {
        metric: np.empty((len(done.answers), len(items))) for metric in asked.probe.metrics
    }
    for row, answers in enumerate(done.answers):
        at = 0
        for column, item in enumerate(items):
            question = asked.of(item)
            given: Sequence[Reply] | Text
            if isinstance(question, Generation):
                text = answers[at]
                at += 1
                if not isinstance(text, Text):
                    raise TypeError("a generation is answered by a text")
                given = text
            else:
                given = [a for a in answers[at : at + len(question)] if isinstance(a, Reply)]
                at += len(question)
            for metric, value in asked.score(item, given).items():
                if metric in scores:
                    scores[metric][row, column] = value
    return scores
