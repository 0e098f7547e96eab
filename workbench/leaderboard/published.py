"""Entries of leaderboards as published, each with its source and snapshot: one table a suite."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Problem, UserError, Where, user_error
from workbench.leaderboard.scheme import AVERAGE
from workbench.leaderboard.schemes import SCHEMES
from workbench.likely import did_you_mean, likely

#: The checkout that the package stands in, whose tables any working folder finds.
CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path("evals/published")

#: What a table says of an entry before its scores.
FACTS = ("entry", "snapshot", "source", "revision", "precision", "chat_template", AVERAGE)
#: The leaderboard's usual precision: of an entry's several rows, the one that is meant.
USUAL_PRECISION = "bfloat16"


@dataclass(frozen=True)
class PublishedEntry:
    """One model in one snapshot; ``None`` where the source does not say.

    ``scores`` by benchmark are points from 0 to 100 for a leaderboard's suite, else by task in the
    score's own unit from 0 to 1. ``rounding`` is the half-width of what rounding hides, for each
    score and for ``average``: half a unit of the last decimal written.
    """

    entry: str
    snapshot: str
    source: str
    revision: str | None
    precision: str | None
    chat_template: bool | None
    average: float | None
    scores: dict[str, float]
    rounding: dict[str, float]
    where: Where


def table_of(suite: str) -> Path:
    """The table of a suite's published entries: in the working folder, else in the checkout.

    Raises:
        UserError: there is none; the message lists the tables there are.
    """
    known = {
        path.stem: path
        for root in (CHECKOUT, Path())
        for path in sorted((root / FOLDER).glob("*.csv"))
        if not path.stem.endswith("-raw")
    }
    if suite in known:
        return known[suite]
    raise user_error(
        f"nothing is published for the suite {suite!r}",
        f"there are tables for {', '.join(sorted(known)) or 'none'}",
        did_you_mean(suite, known) or f"add {FOLDER}/{suite}.csv, or take one of these suites",
    )


def read(suite: str | Path) -> list[PublishedEntry]:
    """The published entries of a suite, by its name or by the path of a table.

    Raises:
        UserError: there is no such table, it lacks columns, or has cells that are no figures;
            every problem with its line.
    """
    path = suite if isinstance(suite, Path) else table_of(suite)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise user_error(f"cannot read {path}", str(error), "check the path") from None
    reader = csv.DictReader(lines)
    columns = _score_columns(path, reader.fieldnames or [])
    most = 100.0 if path.stem in SCHEMES else 1.0
    found: list[PublishedEntry] = []
    problems: list[Problem] = []
    for row in reader:
        where = Where(str(path), reader.line_num)
        wrong = list(_wrong_cells(row, columns, most))
        problems += [Problem(fact, remedy=remedy, where=where) for fact, remedy in wrong]
        if not wrong:
            found.append(_entry(row, columns, where))
    problems += _twice(found)
    if problems:
        raise UserError(problems)
    return found


def find(
    suite: str | Path,
    entry: str,
    snapshot: str,
    *,
    precision: str | None = None,
    where: Where | None = None,
) -> PublishedEntry:
    """The row of ``entry`` in ``snapshot``; of several precisions, bfloat16 unless one is named.

    ``where`` is the place that named them, for the message.

    Raises:
        UserError: there is none; the message has the likely entry, or the entry's snapshots.
    """
    rows = read(suite)
    of_entry = [row for row in rows if row.entry.lower() == entry.lower()]
    if not of_entry:
        known = {row.entry for row in rows}
        # A name without its submitter is a common slip.
        near = [e for e in known if e.split("/")[-1].lower() == entry.split("/")[-1].lower()]
        near = near or likely(entry, known)
        raise user_error(
            f"no published entry {entry!r} for the suite {_name(suite)}",
            f"the table holds {len(known)} entries, and this is none of them",
            f"did you mean {' or '.join(sorted(near))}?"
            if near
            else f"see {table_of(suite) if isinstance(suite, str) else suite}",
            where,
        )
    wanted = [row for row in of_entry if row.snapshot == str(snapshot)]
    if not wanted:
        raise user_error(
            f"{of_entry[0].entry} has no snapshot {str(snapshot)!r}",
            "figures of different snapshots are not comparable, so none is taken in its place",
            f"its snapshots: {', '.join(dict.fromkeys(row.snapshot for row in of_entry))}",
            where,
        )
    usual = precision or USUAL_PRECISION
    matching = [row for row in wanted if row.precision == usual]
    if precision and not matching:
        raise user_error(
            f"{wanted[0].entry} ({snapshot}) was not measured in {precision}",
            "",
            f"it was in {', '.join(row.precision or 'an unstated precision' for row in wanted)}",
            where,
        )
    return (matching or wanted)[0]


def _name(suite: str | Path) -> str:
    return suite.stem if isinstance(suite, Path) else suite


def _score_columns(path: Path, columns: object) -> list[str]:
    """The columns that hold scores; they must be a leaderboard's benchmarks for its suite."""
    names = [str(column) for column in columns] if isinstance(columns, (list, tuple)) else []
    of_scheme = SCHEMES[path.stem].names if path.stem in SCHEMES else ()
    missing = [column for column in (*FACTS, *of_scheme) if column not in names]
    scores = [name for name in names if name not in FACTS]
    if missing or not scores:
        raise user_error(
            f"{path} has no column {', '.join(missing) or 'of a score'}",
            remedy=f"its columns are {', '.join((*FACTS, *(of_scheme or ('one for each task',))))}",
            where=Where(str(path), 1),
        )
    return scores


def _wrong_cells(row: dict[str, str], columns: list[str], most: float) -> Iterator[tuple[str, str]]:
    for name in ("entry", "snapshot", "source"):
        if not row.get(name):
            yield f"{name} is empty", "say which, and where the figures are from"
    if (row.get("chat_template") or "") not in ("", "true", "false"):
        yield (
            f"chat_template is {row['chat_template']!r}, neither true nor false nor empty",
            "leave it empty where the source does not say",
        )
    for name in (AVERAGE, *columns):
        cell = row.get(name)
        if cell and not 0 <= _number(cell) <= most:
            yield f"{name} is {cell!r}, not a score from 0 to {most:g}", "write a figure or nothing"


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _entry(row: dict[str, str], columns: list[str], where: Where) -> PublishedEntry:
    written = {name: row[name] for name in (AVERAGE, *columns) if row.get(name)}
    template = row["chat_template"]
    return PublishedEntry(
        entry=row["entry"],
        snapshot=row["snapshot"],
        source=row["source"],
        revision=row["revision"] or None,
        precision=row["precision"] or None,
        chat_template=template == "true" if template else None,
        average=float(written[AVERAGE]) if AVERAGE in written else None,
        scores={name: float(written[name]) for name in columns if name in written},
        rounding={name: half_width(cell) for name, cell in written.items()},
        where=where,
    )


def half_width(cell: str) -> float:
    """Half a unit of the last decimal written: 0.005 for ``38.97``, 0.5 for ``39``."""
    return 0.5 * 10.0 ** -len(cell.partition(".")[2])


def _twice(rows: list[PublishedEntry]) -> Iterator[Problem]:
    seen: dict[tuple[str, str, str | None, bool | None], Where] = {}
    for row in rows:
        key = (row.entry.lower(), row.snapshot, row.precision, row.chat_template)
        if key in seen:
            yield Problem(
                f"{row.entry} ({row.snapshot}) stands twice",
                f"it is also in line {seen[key].line}, with the same precision and chat template",
                "keep one of them",
                row.where,
            )
        seen.setdefault(key, row.where)
