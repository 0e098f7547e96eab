"""``workbench leaderboard FILE``: a leaderboard's table analysed, in a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.analysis_folder import finished, key_of, open_folder, store
from workbench.errors import Problem
from workbench.progress import Progress
from workbench.versions import machine, versions

#: What ``results.json`` says it is, by which its folder is told from a run's.
KIND = "leaderboard"
#: What an analysis depends on beside the table: the code, and the data that places models.
CODE = ("leaderboard", "tables", "bases/catalogue", "compare")

if TYPE_CHECKING:
    from workbench.store.home import Home


def analyse_file(
    file: Path,
    home: Home,
    *,
    out: Path | None,
    seed: int,
    entries: Sequence[str],
    command: str,
    progress: Progress,
) -> tuple[dict[str, Any], Path, tuple[Problem, ...]]:
    """The results, the folder that holds them as ``results.json``, and remarks on the table.

    The folder is ``out``, or one in ``runs/`` named after the table's bytes, the seed and the
    entries: the same call finds everything there.

    Raises:
        UserError: the file is no such table, an entry is not in it, or the folder cannot be
            written to.
    """
    from workbench.leaderboard.analysis import analyse
    from workbench.leaderboard.table import read_table

    table = read_table(file)
    key = key_of({"table": table.sha256, "seed": seed, "entries": sorted(entries)}, CODE)
    folder = open_folder(out, home, f"leaderboard-{key}")
    stored = finished(folder, key)
    if stored is not None:
        progress.line(f"everything was there already: {folder}")
        return stored, folder, table.notices
    found = analyse(table, seed=seed, entries=entries, progress=progress)
    results = {
        "kind": KIND,
        "name": f"leaderboard-{file.stem}",
        "key": key,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        **found,
        "versions": versions(),
        "machine": machine(),
    }
    store(results, folder)
    return results, folder, table.notices
