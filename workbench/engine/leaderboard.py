"""``workbench leaderboard FILE``: a leaderboard's table analysed, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, user_error
from workbench.progress import Progress
from workbench.store.seal import write_text_atomically
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
    key = _key(table.sha256, seed, entries)
    if out is None:
        home.prepare()
        folder = home.runs / f"leaderboard-{key}"
    else:
        folder = out
    # Found out now, not after the analysis: whether it can be written to.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-"):
            pass
    except OSError as error:
        raise user_error(
            f"cannot write to {folder}",
            str(error.strerror or error),
            "name another folder with --out DIR",
        ) from error
    stored = _finished(folder, key)
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
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text_atomically(folder / "results.json", text)
    return results, folder, table.notices


def _finished(folder: Path, key: str) -> dict[str, Any] | None:
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return results if isinstance(results, dict) and results.get("key") == key else None


def _key(sha256: str, seed: int, entries: Sequence[str]) -> str:
    """12 hex digits over all that the analysis depends on."""
    facts = {"table": sha256, "seed": seed, "entries": sorted(entries), "code": _code()}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _code() -> str:
    """A hash of the files in ``CODE``: after a change of any, the table is analysed anew."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for room in CODE:
        for file in sorted((package / room).rglob("*")):
            if file.suffix in (".py", ".yaml"):
                digest.update(file.relative_to(package).as_posix().encode() + b"\0")
                digest.update(file.read_bytes())
    return digest.hexdigest()
