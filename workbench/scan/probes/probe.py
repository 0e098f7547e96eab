"""What a probe is, and how its name becomes one.

A probe asks a model small questions fast. It is a file in ``evals/probes`` (or anywhere, by path)
with a function ``probe(**options)`` that returns an object with the members of :class:`Probe`; an
lm-eval task is a probe too, as ``task:NAME``. A probe file is Python that runs in this process
with the user's own rights, already when a recipe is checked.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from workbench.errors import Problem, UserError, Where, user_error
from workbench.scan.probes import probe_file
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split
from workbench.scan.schedule.request import Generation, Reading, Reply

TASK = "task:"

_MEMBERS = ("needs_generation", "metrics", "floors", "items", "ask", "score")


class Probe(Protocol):
    """Questions, how to ask them, and how to score the answers. More is better in every metric.

    ``metrics`` come with the primary one first; ``floors`` say what an answer without any
    understanding scores in those that have such a score. An item is asked before it is scored, by
    the same object.
    """

    needs_generation: bool
    metrics: tuple[str, ...]
    floors: Mapping[str, float]

    def items(self, count: int, *, seed: int, split: Split) -> Sequence[Item]:
        """``count`` items, or all there are; those of the two splits of a seed are disjoint."""

    def ask(self, item: Any, encoder: Encoder) -> list[Reading] | Generation:
        """Forward-only questions, or one generation where ``needs_generation``."""

    def score(self, item: Any, replies: Sequence[Reply] | str) -> dict[str, float]:
        """A value for each metric; NaN where log-probabilities are."""


def find_probe(name: str, options: Mapping[str, Any], *, beside: Path | None = None) -> Probe:
    """The probe of a name, a ``.py`` path (relative to ``beside`` first) or ``task:NAME``.

    What goes wrong later inside a probe file is told with its line, as a ``UserError``.

    Raises:
        UserError: there is no such probe, its file is wrong, or an option does not fit.
    """
    return _find(name, options, beside, None)


def check_probe(
    name: str, options: Mapping[str, Any], where: Where | None, *, beside: Path | None = None
) -> list[Problem]:
    """Everything that is wrong with a probe and can be known without torch and without a model.

    ``where`` is the recipe's place that names the probe, used where no file of the probe's own is
    to blame. Files are sought beside the recipe unless ``beside`` says otherwise.
    """
    if beside is None and where is not None:
        beside = Path(where.file).parent
    try:
        if name.startswith(TASK):
            from workbench.scan.probes.task_check import check_task

            return check_task(name.removeprefix(TASK), options, where)
        probe = _find(name, options, beside, where)
        _try_items(probe, name)
    except UserError as error:
        return [p if p.where else Problem(p.fact, p.cause, p.remedy, where) for p in error.problems]
    return []


def probe_identity(
    name: str, options: Mapping[str, Any], *, beside: Path | None = None
) -> dict[str, Any]:
    """What a probe *is*, for keys: its options and a hash of its files, without machine paths.

    Raises:
        UserError: as :func:`find_probe`, but for what only running the probe would show.
    """
    if name.startswith(TASK):
        from workbench.scan.probes.task_check import task_identity

        return {"name": name, "options": dict(options), **task_identity(name.removeprefix(TASK))}
    path = probe_file.find_file(name, beside)
    module = probe_file.load(path)
    make = probe_file.maker(module, path)
    settled = probe_file.settled(make, options, path=path, beside=beside)
    digest = hashlib.sha256()
    # By name and content, since neither the place nor the order of files may count.
    files = sorted((each.name, each.read_bytes()) for each in probe_file.sources(path, module))
    for called, content in files:
        digest.update(f"{called}\0{len(content)}\0".encode() + content)
    plain = {
        key: hashlib.sha256(value.read_bytes()).hexdigest() if isinstance(value, Path) else value
        for key, value in settled.items()
    }
    return {"name": path.stem.replace("_", "-"), "options": plain, "sha256": digest.hexdigest()}


def _find(name: str, options: Mapping[str, Any], beside: Path | None, where: Where | None) -> Probe:
    if name.startswith(TASK):
        from workbench.scan.probes.task_probe import task_probe

        return task_probe(name.removeprefix(TASK), options)
    path = probe_file.find_file(name, beside)
    make = probe_file.maker(probe_file.load(path), path)
    values = probe_file.settled(make, options, path=path, beside=beside, where=where)
    with probe_file.told(path, "probe(...) fails with these options"):
        made = make(**values)
    _check_shape(made, Where(str(path), probe_file.first_line(make)))
    return _Told(made, path)


def _check_shape(made: Any, where: Where) -> None:
    missing = [member for member in _MEMBERS if not hasattr(made, member)]
    if missing:
        raise user_error(
            f"what probe(...) returns has no {', '.join(missing)}",
            f"a probe has {', '.join(_MEMBERS)}",
            "return an object with all of these",
            where,
        )
    wrong = []
    if not isinstance(made.needs_generation, bool):
        wrong.append(f"needs_generation is {made.needs_generation!r}, not true or false")
    names = made.metrics
    if not (isinstance(names, tuple) and names and all(isinstance(n, str) for n in names)):
        wrong.append(f"metrics is {names!r}, not a tuple of names, the primary first")
    elif not isinstance(made.floors, Mapping) or not set(made.floors) <= set(names):
        wrong.append(f"floors is {made.floors!r}, not a score for some of {', '.join(names)}")
    wrong += [f"{m} is no function" for m in _MEMBERS[3:] if not callable(getattr(made, m))]
    if wrong:
        raise UserError([Problem(fact, "", "correct the probe file", where) for fact in wrong])


class _Told:
    """A probe whose errors are told with their line, and whose answers are of the right shape."""

    def __init__(self, probe: Probe, path: Path) -> None:
        self._probe, self._path = probe, path
        self.needs_generation = probe.needs_generation
        self.metrics = probe.metrics
        self.floors: Mapping[str, float] = dict(probe.floors)

    def items(self, count: int, *, seed: int, split: Split) -> Sequence[Item]:
        with probe_file.told(self._path, f"items({count}, seed={seed}, split={split!r}) fails"):
            found = list(self._probe.items(count, seed=seed, split=split))
            ids = [item.id for item in found]
            if len(set(ids)) < len(ids):
                raise ValueError("two items have the same id")
        return found

    def ask(self, item: Any, encoder: Encoder) -> list[Reading] | Generation:
        with probe_file.told(self._path, f"ask(...) fails for item {item.id}"):
            asked = self._probe.ask(item, encoder)
            if isinstance(asked, Generation) is not self.needs_generation or not asked:
                raise TypeError(f"needs_generation is {self.needs_generation}, asked is {asked!r}")
        return asked

    def score(self, item: Any, replies: Sequence[Reply] | str) -> dict[str, float]:
        with probe_file.told(self._path, f"score(...) fails for item {item.id}"):
            given = self._probe.score(item, replies)
            scores = {metric: float(given[metric]) for metric in self.metrics}
        # The log of a probability that came out as 0 is an overflow like any other.
        return {k: math.nan if math.isinf(v) else v for k, v in scores.items()}


def _try_items(probe: Probe, name: str) -> None:
    search = probe.items(2, seed=0, split="search")
    held_out = probe.items(2, seed=0, split="held-out")
    if not search:
        raise user_error(f"probe {name} has no items", "", "give it some")
    both = {item.id for item in search} & {item.id for item in held_out}
    if both:
        raise user_error(
            f"probe {name}: item {min(both)} is in both splits",
            "winners would be judged on items that chose them",
            "let items(...) give each split its own",
        )
