"""What a recipe wants reproduced, with the published row it names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from workbench.leaderboard.reproduce.config import MARGIN_POINTS, MARGIN_SCORE, ReproduceConfig
from workbench.leaderboard.scheme import AVERAGE
from workbench.leaderboard.schemes import scheme_at, scheme_of

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite
    from workbench.leaderboard.published import PublishedEntry


@dataclass(frozen=True)
class Claim:
    """An entry of a recipe's ``reproduces:``.

    ``output`` is the name of the output or base that is held against ``entry``; ``margin`` is in
    points where the suite has a ``scheme``, else in the score's unit. ``columns`` are the table's,
    ``figures`` those that the entry states and the suite scores, ``missing`` those that the suite
    scores and the entry does not state.
    """

    entry: PublishedEntry
    output: str
    margin: float
    flips: float
    scheme: str | None
    columns: tuple[str, ...]
    figures: tuple[str, ...]
    missing: tuple[str, ...]

    @staticmethod
    def of(
        config: ReproduceConfig,
        output: str,
        entry: PublishedEntry,
        suite: Suite,
        columns: Collection[str],
    ) -> Claim:
        """``columns`` are those of the published table that hold scores."""
        stated = set(entry.scores) | ({AVERAGE} if entry.average is not None else set())
        scored = columns_scored(suite, columns)
        margin = MARGIN_SCORE if suite.points is None else MARGIN_POINTS
        return Claim(
            entry=entry,
            output=output,
            margin=config.margin or margin,
            flips=config.flips,
            scheme=None if suite.points is None else scheme_at(suite.points, entry.snapshot),
            columns=tuple(columns),
            figures=tuple(name for name in scored if name in stated),
            missing=tuple(name for name in scored if name not in stated and name != AVERAGE),
        )

    @property
    def words(self) -> str:
        """What will be held against what, and which figures the entry lacks."""
        unit = " points" if self.scheme else ""
        said = (
            f"{self.output} is held against {self.entry.entry} ({self.entry.snapshot}): "
            f"{', '.join(self.figures)} within ±{self.margin:g}{unit}"
        )
        if self.missing:
            said += f"; the table has no figure of it for {', '.join(self.missing)}"
        return said

    def published(self, figure: str) -> float:
        """The figure that the entry states."""
        if figure == AVERAGE and self.entry.average is not None:
            return self.entry.average
        return self.entry.scores[figure]

    def identity(self) -> dict[str, Any]:
        """All that a verdict depends on beside our scores, for hashing; not the row's place."""
        row = {key: value for key, value in asdict(self.entry).items() if key != "where"}
        return {"entry": row, "output": self.output, "margin": self.margin, "flips": self.flips}


def table_columns(suite: Suite, rows: list[PublishedEntry]) -> list[str]:
    """The columns of a suite's published table that hold scores."""
    if suite.points is not None:
        return list(scheme_of(suite.points).names)
    return list(dict.fromkeys(name for row in rows for name in row.scores))


def columns_scored(suite: Suite, columns: Collection[str]) -> list[str]:
    """Those of ``columns`` that ``suite`` scores, as far as its file says.

    A leaderboard's average is among them where no benchmark is missing.
    """
    entries = [task.task for task in suite.tasks]
    keys = {f"{t.task}/{metric}" for t in suite.tasks for metric in t.metrics[1:]} | {*entries}
    if suite.points is None:
        # lm-eval's groups begin the names of their members, which are not known before they load.
        return [c for c in columns if c in keys or c.startswith(tuple(f"{e}_" for e in entries))]
    found = [
        benchmark.name
        for benchmark in scheme_of(suite.points).benchmarks
        if all(
            _covered(task.key, part.group, entries)
            for part in benchmark.parts
            for task in part.tasks
        )
    ]
    return [*found, AVERAGE] if len(found) == len(columns) else found


def _covered(key: str, group: str, entries: list[str]) -> bool:
    """Whether a task is in the suite: by name, through its group or one that begins its name."""
    task = key.partition("/")[0]
    return group.partition("/")[0] in entries or any(
        task == entry or task.startswith(f"{entry}_") for entry in entries
    )
