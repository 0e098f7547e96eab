"""A before/after table, CSV or Parquet, as the frame that every study is analysed from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import Problem, UserError, Where
from workbench.study.scores.frame import complete
from workbench.study.table.columns import COLUMNS, Headers, match
from workbench.study.table.consistent import disagreeing, doubles
from workbench.study.table.sides import Sides, sides
from workbench.study.table.table import StudyTable
from workbench.study.table.values import (
    SCORES,
    Unit,
    check_items,
    read_figures,
    to_log_compute,
    to_shares,
    with_point,
)
from workbench.study.table.where import selected
from workbench.tables.cells import text_of
from workbench.tables.files import Cells, counted, read_cells

if TYPE_CHECKING:
    import pandas as pd

#: What a row cannot be placed without.
PLACED = ("base", "group", "family", "task")
#: The task, or treatment, of a table that has no such column.
ONLY = {"task": "score", "treatment": "treatment"}


def read_table(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    asked: str | None = None,
    names: tuple[str | None, str | None] = (None, None),
    where: Sequence[str] = (),
    unit: Unit | None = None,
) -> StudyTable:
    """The rows of a table that ``where`` selects, checked, with scores in shares of 1.

    ``columns`` maps our columns to the file's headers where their names do not tell; ``asked`` is
    the value of the group column that the question is about, ``names`` the two sides in words.

    Raises:
        UserError: the file is missing, no table, damaged or empty; columns are missing; a cell
            does not say what its column should; rows contradict each other or stand there twice;
            there is one group only. All of it at once, as far as it can be told.
    """
    file = str(path)
    read = read_cells(path)
    rows_read = len(read.lines)
    headers = match(read.columns, columns or {}, file)
    problems = list(headers.problems)
    if not read.lines:
        fact = f"{path} has no rows"
        problems.append(Problem(fact, "it has a header and nothing below", "save it again"))
        raise UserError(problems)
    cells = selected(read, where, file)
    frame, wrong = _frame(cells, headers, file)
    problems += wrong
    notices: list[Problem] = []
    told: Sides | None = None
    if "group" in headers.of:
        told, wrong = sides(list(frame["group"]), headers.of["group"], asked, names, file)
        problems += wrong
    used: Unit = "share"
    if set(SCORES) <= set(headers.of):
        used, said, wrong = to_shares(frame, unit, file)
        notices, problems = notices + said, problems + wrong
    if not headers.problems:
        problems += disagreeing(frame, headers.of, file)
        problems += doubles(frame, cells, headers.of, file)
    if problems:
        raise UserError(
            sorted(problems, key=lambda problem: problem.where.line if problem.where else 0)
        )
    assert told is not None
    if "compute" in headers.of:
        notices += to_log_compute(frame, headers.of["compute"], file)
    gaps = frame[list(SCORES)].isna().any(axis=1)
    if gaps.any():
        notices.append(_left_out([int(line) for line in frame["line"][gaps]], file))
        frame = frame[~gaps]
    _check_left(frame, told, file)
    frame["asked"] = frame["group"].map(told.holds).astype(bool)
    frame["group"] = frame["asked"].map({True: told.asked, False: told.others})
    for name in SCORES:
        # Of right and wrong items; what else lies between 0 and 1 varies less.
        frame[f"se_{name}"] = (frame[name] * (1 - frame[name]) / frame["n"]) ** 0.5
    source = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": len(frame),
        "rows_read": rows_read,
        "rows_left_out": int(gaps.sum()),
        "where": list(where),
        "mapping": dict(headers.of),
        "unit": used,
        "asked": told.value,
        "group_values": list(told.values),
    }
    return StudyTable(
        frame=complete(frame.drop(columns="line")),
        path=path,
        asked=told.asked,
        others=told.others,
        mapping=headers.of,
        source=source,
        notices=(*read.notices, *headers.notices, *notices),
    )


def _frame(cells: Cells, headers: Headers, file: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Our columns of the file, with ``line``; and problems in their cells."""
    import pandas as pd

    frame = pd.DataFrame({"line": cells.lines})
    problems: list[Problem] = []
    for name, column in COLUMNS.items():
        header = headers.of.get(name)
        if header is None:
            filler = ONLY.get(name)
            frame[name] = float("nan") if column.figures else filler
            continue
        values = cells.columns[header]
        if column.figures:
            if cells.decimal_comma:
                values = [with_point(cell) for cell in values]
            frame[name], wrong = read_figures(name, header, values, cells.lines, file)
            problems += wrong
            continue
        frame[name] = pd.Series([text_of(cell) for cell in values], dtype=object)
        empty = [line for line, cell in zip(cells.lines, frame[name], strict=True) if cell is None]
        if name in PLACED and empty:
            problems.append(_unknown(name, header, frame, empty, file))
    if "treatment" in headers.of:
        frame["treatment"] = frame["treatment"].fillna(ONLY["treatment"])
    frame["seed"] = _seeds(frame["seed"], headers.of.get("seed"))
    if "n" in headers.of:
        problems += check_items(frame, headers.of["n"], file)
    return frame, problems


def _unknown(name: str, header: str, frame: pd.DataFrame, empty: list[int], file: str) -> Problem:
    which = ""
    if name != "base" and "base" in frame:
        bases = frame["base"][frame["line"].isin(empty)].dropna().unique()
        which = f" ({', '.join(map(str, bases[:5]))}{', …' if len(bases) > 5 else ''})"
    return Problem(
        f"no {header} in {counted(empty)}{which}",
        f"it says {COLUMNS[name].says}",
        "fill it in, or leave such rows out with --where",
        Where(file, empty[0]),
    )


def _seeds(cells: pd.Series, header: str | None) -> pd.Series:
    """Seeds as whole numbers; names of runs are numbered in the order in which they appear."""
    import pandas as pd

    if header is None:
        return pd.Series(pd.NA, index=cells.index, dtype="Int64")
    numbers = pd.to_numeric(cells, errors="coerce")
    if (cells.notna() & (numbers.isna() | (numbers % 1 != 0))).any():
        codes, _ = pd.factorize(cells)
        numbers = pd.Series(codes, index=cells.index).where(cells.notna())
    return numbers.astype("Int64")


def _left_out(lines: list[int], file: str) -> Problem:
    rows = "1 row is" if len(lines) == 1 else f"{len(lines)} rows are"
    return Problem(
        f"{rows} left out: no score before or after", counted(lines), where=Where(file, lines[0])
    )


def _check_left(frame: pd.DataFrame, told: Sides, file: str) -> None:
    """Both sides must have a row whose scores are known."""
    here = frame["group"].map(told.holds)
    if frame.empty or here.all() or not here.any():
        side = "no row" if frame.empty else f"only {told.asked if here.all() else told.others}"
        raise UserError(
            Problem(
                f"{side} has a score before and after",
                "both sides are needed: one alone has nothing to differ from",
                "fill in the scores",
                Where(file),
            )
        )
