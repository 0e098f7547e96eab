"""Finding runs: a folder, or a name or key under ``home/runs``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import user_error
from workbench.likely import did_you_mean

#: What a folder of ``workbench scan`` holds and that of a run does not.
SCAN = "scan.json"
#: What ``results.json`` of ``workbench leaderboard`` says it is.
LEADERBOARD = "leaderboard"
#: What ``results.json`` of ``workbench study --table`` says it is.
STUDY = "study"
#: Folders that are no run's, and the verb that writes their page.
TABLES = {
    LEADERBOARD: ("of a leaderboard", "workbench leaderboard"),
    STUDY: ("of a table's study", "workbench study"),
}


@dataclass(frozen=True)
class RunInfo:
    """One line of the list of runs. ``when`` is ISO 8601 in UTC where the run says no other."""

    name: str
    key: str
    when: str
    outputs: int
    path: Path
    time: float

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        plain = asdict(self)
        del plain["time"]
        return plain | {"path": str(self.path)}


def find_runs(home: Path) -> list[RunInfo]:
    """The runs under ``home/runs``, newest first. Folders without readable results are left out."""
    folder = home.expanduser() / "runs"
    if not folder.is_dir():
        return []
    found = [info for path in folder.iterdir() if (info := _info(path)) is not None]
    return sorted(found, key=lambda info: (info.time, info.path.name), reverse=True)


def _info(path: Path) -> RunInfo | None:
    file = path / "results.json"
    try:
        written = file.stat().st_mtime
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.get("kind") in TABLES:
            return None
        outputs = [output for output in content["outputs"] if output["kind"] != "base"]
        created = content.get("created")
        time = _time(created, written)
        when = datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
        return RunInfo(
            str(content["name"]),
            str(content.get("key", "")),
            created if isinstance(created, str) else when,
            len(outputs),
            path,
            time,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _table_of(folder: Path) -> tuple[str, str] | None:
    """What the folder is of, and its verb, where it is that of a table."""
    try:
        content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return TABLES.get(str(content.get("kind"))) if isinstance(content, dict) else None


def _time(created: object, otherwise: float) -> float:
    if isinstance(created, str):
        try:
            return datetime.fromisoformat(created).timestamp()
        except ValueError:
            return otherwise
    return float(created) if isinstance(created, int | float) else otherwise


def find_run(home: Path, run: str) -> Path:
    """The folder that ``run`` names: a folder itself, or the newest run of that name or key.

    Raises:
        UserError: there is none (the message names those there are), or it is that of a scan or of
            a table.
    """
    for folder in (Path(run).expanduser(), home.expanduser() / "runs" / run):
        if (table := _table_of(folder)) is not None:
            what, verb = table
            raise user_error(
                f"{folder} is the folder {what}, not of a recipe's run",
                f"{verb} writes its page itself",
                f"open {folder / 'report.html'}; the same command writes it again",
            )
        if (folder / SCAN).is_file():
            raise user_error(
                f"{folder} is the folder of a scan, not of a recipe's run",
                "workbench scan writes its page itself",
                f"open {folder / 'report.html'}; the same workbench scan command writes it again",
            )
    if (Path(run).expanduser() / "results.json").is_file():
        return Path(run).expanduser()
    runs = find_runs(home)
    for info in runs:
        if run in (info.name, info.key, info.path.name):
            return info.path
    if Path(run).is_dir():
        raise user_error(
            f"{run} holds no results.json",
            "it is not the folder of a run, or its run has not finished",
            "workbench show lists the runs there are; running the recipe again finishes it",
        )
    names = list(dict.fromkeys(name for info in runs for name in (info.name, info.key)))
    remedy = did_you_mean(run, names)
    remedy += " " if remedy else ""
    if runs:
        remedy += f"runs there are: {', '.join(dict.fromkeys(info.name for info in runs))}"
    else:
        remedy += "make one with workbench run RECIPE, or say where it is with --home DIR"
    raise user_error(
        f"there is no run {run!r}", f"neither a folder nor a run in {home / 'runs'}", remedy
    )
