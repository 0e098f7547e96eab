"""Entries of the Open LLM Leaderboard as published, each with its source and snapshot."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Problem, UserError, Where, user_error

#: Where the entries lie under a checkout or working folder.
TABLE = Path("evals/published/open_llm_leaderboard_v2.csv")
SCORES = ("ifeval", "bbh", "math", "gpqa", "musr", "mmlu_pro")
COLUMNS = (
    *("entry", "snapshot", "source", "revision", "precision", "chat_template", "average"),
    *SCORES,
)


@dataclass(frozen=True)
class PublishedEntry:
    """One model in one snapshot: points from 0 to 100, ``None`` where the source does not say."""

    entry: str
    snapshot: str
    source: str
    revision: str | None
    precision: str | None
    chat_template: bool | None
    average: float | None
    scores: dict[str, float]


def read(path: Path) -> list[PublishedEntry]:
    """The entries of a CSV file with the columns ``COLUMNS``.

    Raises:
        UserError: the file is missing, lacks columns, or has cells that are no figures; every
            problem with its line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise user_error(f"cannot read {path}", str(error), "check the path") from None
    reader = csv.DictReader(lines)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise user_error(
            f"{path} has no column {', '.join(missing)}",
            remedy=f"its columns are {', '.join(COLUMNS)}",
            where=Where(str(path), 1),
        )
    found: list[PublishedEntry] = []
    problems: list[Problem] = []
    for row in reader:
        try:
            found.append(_entry(row))
        except ValueError as error:
            where = Where(str(path), reader.line_num)
            problems.append(Problem(str(error), remedy="write a figure or nothing", where=where))
    if problems:
        raise UserError(problems)
    return found


def find(entries: list[PublishedEntry], entry: str, snapshot: str) -> PublishedEntry:
    """The one row of ``entry`` in ``snapshot``.

    Raises:
        UserError: there is none; the message names the entries, or the entry's snapshots.
    """
    of_entry = [row for row in entries if row.entry.lower() == entry.lower()]
    if not of_entry:
        known = ", ".join(sorted({row.entry for row in entries}))
        raise user_error(f"no published entry {entry!r}", remedy=f"there are: {known}")
    for row in of_entry:
        if row.snapshot == snapshot:
            return row
    raise user_error(
        f"{entry} has no snapshot {snapshot!r}",
        "figures of different snapshots are not comparable",
        f"its snapshots: {', '.join(row.snapshot for row in of_entry)}",
    )


def _entry(row: dict[str, str]) -> PublishedEntry:
    template = row["chat_template"] or None
    if template not in (None, "true", "false"):
        raise ValueError(f"chat_template is {template!r}, neither true nor false nor empty")
    figures = {column: _figure(column, row[column]) for column in ("average", *SCORES)}
    return PublishedEntry(
        entry=row["entry"],
        snapshot=row["snapshot"],
        source=row["source"],
        revision=row["revision"] or None,
        precision=row["precision"] or None,
        chat_template=None if template is None else template == "true",
        average=figures["average"],
        scores={name: value for name in SCORES if (value := figures[name]) is not None},
    )


def _figure(column: str, cell: str | None) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 100:
        raise ValueError(f"{column} is {cell!r}, not a score from 0 to 100")
    return value
