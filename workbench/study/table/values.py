"""The figures of a before/after table: read, put into one unit, and held against their range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import Problem, Where
from workbench.study.table.columns import COLUMNS, option
from workbench.tables.cells import figures, stripped
from workbench.tables.files import A_FEW

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal["share", "percent"]
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+\s*%?")
SCORES = ("before", "after")
#: log10 of parameters times tokens, both in billions, is about 0 to 6, and 18 more in FLOP or
#: without the billions; whatever is above is no logarithm.
MOST_LOG_COMPUTE = 40.0


def with_point(cell: Any) -> Any:
    """``0,35`` as ``0.35``, in tables whose cells are not separated by commas."""
    text = stripped(cell)
    return text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else cell


def read_figures(
    name: str, header: str, column: list[Any], lines: list[int], file: str
) -> tuple[pd.Series, list[Problem]]:
    """One column as figures, NaN where a cell is empty; a problem for each that holds text."""
    values, bad = figures(column)
    problems = []
    for at in bad[:A_FEW]:
        cell = str(column[at]).strip()
        problems.append(
            Problem(
                f"{header} is {cell[:40]!r}",
                f"a figure is wanted: it says {COLUMNS[name].says}",
                _mended(cell),
                Where(file, lines[at]),
            )
        )
    if len(bad) > A_FEW:
        more = len(bad) - A_FEW
        problems.append(
            Problem(
                f"{header} holds no figure in {more} more line{'s' if more > 1 else ''}",
                "the column may not be what its header says",
                f"name another one with {option(name)}",
                Where(file, lines[bad[A_FEW]]),
            )
        )
    return values, problems


def _mended(cell: str) -> str:
    try:
        return f"write {float(cell.replace(',', '.')):g}" if cell.count(",") == 1 else _EMPTY
    except ValueError:
        return _EMPTY


_EMPTY = "write a figure, or leave the cell empty where there is none"


def to_shares(
    frame: pd.DataFrame, unit: Unit | None, file: str
) -> tuple[Unit, list[Problem], list[Problem]]:
    """Put ``before`` and ``after`` into shares of 1, in place; the unit, notices and problems.

    Percent is told by the whole table: most scores that are not zero are above 1 then. Where few
    are, it cannot be told whether they are slips, and the person is asked.
    """
    scores = frame[list(SCORES)].stack().dropna()
    above = scores > 1
    said: Unit
    if unit is not None:
        said = unit
    elif not above.any():
        said = "share"
    elif above.sum() >= 0.5 * (scores != 0).sum():
        said = "percent"
    else:
        return "share", [], _above_one(frame, file)
    notices = []
    if said == "percent":
        frame[list(SCORES)] = frame[list(SCORES)] / 100
        fact = f"scores go up to {scores.max():g}: they are read as percent, and divided by 100"
        notices.append(Problem(fact, where=Where(file, 1)))
    return said, notices, _out_of_range(frame, said, file)


def _above_one(frame: pd.DataFrame, file: str) -> list[Problem]:
    wrong = frame[(frame[list(SCORES)] > 1).any(axis=1)]
    values = [next(v for v in (row.before, row.after) if v > 1) for row in wrong.itertuples()]
    lines = list(wrong["line"])
    problems = [
        Problem(
            f"a score of {value:g}, where most are at most 1",
            "scores are read as shares of 1, or all as percent",
            "mend it, or say --unit percent",
            Where(file, int(line)),
        )
        for value, line in list(zip(values, lines, strict=True))[:A_FEW]
    ]
    return problems + _rest("scores above 1", lines, file)


def _out_of_range(frame: pd.DataFrame, unit: Unit, file: str) -> list[Problem]:
    problems = []
    scale, most = (100, "100") if unit == "percent" else (1, "1")
    for name in SCORES:
        wrong = frame[(frame[name] < 0) | (frame[name] > 1)]
        lines = list(wrong["line"])
        problems += [
            Problem(
                f"{name} is {scale * value:g}",
                f"a score lies between 0 and {most}",
                "scores that have no such range cannot be read; normalise them first",
                Where(file, int(line)),
            )
            for value, line in list(zip(wrong[name], lines, strict=True))[:A_FEW]
        ]
        problems += _rest(f"{name} outside 0 to {most}", lines, file)
    return problems


def _rest(what: str, lines: list[Any], file: str) -> list[Problem]:
    if len(lines) <= A_FEW:
        return []
    return [Problem(f"{len(lines) - A_FEW} more {what}", where=Where(file, int(lines[A_FEW])))]


def check_items(frame: pd.DataFrame, header: str, file: str) -> list[Problem]:
    """Numbers of items are whole and at least 1."""
    n = frame["n"]
    wrong = frame[n.notna() & ((n < 1) | (n % 1 != 0))]
    return [
        Problem(
            f"{header} is {value:g}",
            "it says how many items were scored: a whole number, at least 1",
            "mend it, or leave the cell empty",
            Where(file, int(line)),
        )
        for value, line in list(zip(wrong["n"], wrong["line"], strict=True))[:A_FEW]
    ]


def to_log_compute(frame: pd.DataFrame, header: str, file: str) -> list[Problem]:
    """Take log10 of ``compute``, in place, where it is written plainly."""
    import numpy as np

    compute = frame["compute"]
    if not (compute > MOST_LOG_COMPUTE).any():
        return []
    frame["compute"] = np.log10(compute.where(compute > 0))
    fact = f"{header} goes up to {compute.max():g}: its logarithm (base 10) is taken"
    return [Problem(fact, where=Where(file, 1))]
