"""``workbench study --table FILE``: a published before/after table analysed as a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.analysis_folder import finished, key_of, open_folder, store
from workbench.errors import Problem
from workbench.progress import Progress
from workbench.versions import machine, versions

if TYPE_CHECKING:
    from workbench.store.home import Home
    from workbench.study.table.values import Unit

#: What ``results.json`` says it is, by which its folder is told from a run's.
KIND = "study"
#: What an analysis depends on beside the table.
CODE = ("study", "compare", "tables")


@dataclass(frozen=True)
class Asked:
    """How a table is to be read, and what is asked of it.

    ``columns`` maps our columns to the file's headers where their names do not tell; ``asked`` is
    the value of the group column that the question is about; ``margin`` the difference in score
    (0 to 1) that does not matter.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None
    names: tuple[str | None, str | None] = (None, None)
    where: Sequence[str] = ()
    unit: Unit | None = None
    margin: float = 0.03
    alpha: float = 0.05
    bayesian: bool = False
    seed: int = 0


def analyse_table(
    file: Path, asked: Asked, home: Home, *, out: Path | None, command: str, progress: Progress
) -> tuple[dict[str, Any], Path, tuple[Problem, ...]]:
    """The results, the folder that holds them as ``results.json``, and remarks on the table.

    The folder is ``out``, or one in ``runs/`` named after the table's bytes and all that was asked:
    the same call finds everything there.

    Raises:
        UserError: the file is no such table, the folder cannot be written to, or a Bayesian model
            is asked for that is not installed.
    """
    from workbench.study.analyse import analyse
    from workbench.study.design.settings import Settings
    from workbench.study.statistics.bayesian import require
    from workbench.study.statistics.published import published
    from workbench.study.table import read_table

    if asked.bayesian:
        require()
    table = read_table(
        file,
        columns=asked.columns,
        asked=asked.asked,
        names=asked.names,
        where=asked.where,
        unit=asked.unit,
    )
    facts = {
        "source": dict(table.source),
        "names": [table.asked, table.others],
        "settings": [asked.margin, asked.alpha, asked.bayesian, asked.seed],
    }
    key = key_of(facts, CODE)
    folder = open_folder(out, home, f"study-{key}")
    stored = finished(folder, key)
    if stored is not None:
        progress.line(f"everything was there already: {folder}")
        return stored, folder, table.notices
    settings = Settings(
        question=f"Do {table.asked} bases take the treatment better than {table.others}?",
        asked=table.asked,
        others=table.others,
        margin=asked.margin,
        alpha=asked.alpha,
        bayesian=asked.bayesian,
        seed=asked.seed,
        table=True,
    )
    study = analyse(table.frame, settings=settings, source=table.source, progress=progress)
    study["published"] = published(table.frame)
    results = {
        "kind": KIND,
        "name": f"study-{file.stem}",
        "key": key,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "outputs": [],
        "study": study,
        "versions": versions(),
        "machine": machine(),
    }
    store(results, folder)
    return results, folder, table.notices
