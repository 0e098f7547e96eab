"""Whether the rows of a before/after table agree: one family and side a base, no row said twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.errors import Problem, Where
from workbench.tables.cells import stripped
from workbench.tables.files import A_FEW, Cells, counted

if TYPE_CHECKING:
    import pandas as pd

#: What makes a row one run of one treatment on one base.
RUN = ("base", "task", "treatment", "seed")
#: Facts of a base, which every row of it repeats.
FACTS = ("group", "family", "compute", "log_parameters")


def disagreeing(frame: pd.DataFrame, of: Mapping[str, str], file: str) -> list[Problem]:
    """A problem for each base that two rows give different facts."""
    problems = []
    for fact in FACTS:
        if fact not in of:
            continue
        for base, rows in frame[frame[fact].notna()].groupby("base", sort=False):
            first = rows.iloc[0]
            other = rows[rows[fact] != first[fact]]
            if other.empty:
                continue
            second = other.iloc[0]
            problems.append(
                Problem(
                    f"{base} has two values of {of[fact]}: {_shown(first[fact])} in line "
                    f"{int(first['line'])}, {_shown(second[fact])} in line {int(second['line'])}",
                    "it is a fact of the base, whatever the task or the seed",
                    "mend one of the two, or give the two bases different names",
                    Where(file, int(second["line"])),
                )
            )
    return problems


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))


def doubles(frame: pd.DataFrame, cells: Cells, of: Mapping[str, str], file: str) -> list[Problem]:
    """A problem for each run that several rows are of, with the columns in which they differ."""
    keys = frame[list(RUN)].astype(str)
    double = keys.duplicated(keep=False)
    if not double.any():
        return []
    place = {line: at for at, line in enumerate(cells.lines)}
    problems = []
    by = [keys[name] for name in RUN]
    groups = [rows for _, rows in frame[double].groupby(by, sort=False, dropna=False)]
    for rows in groups[:A_FEW]:
        lines = [int(line) for line in rows["line"]]
        first = rows.iloc[0]
        what = " · ".join(
            str(first[name]) for name in RUN if name in of and str(first[name]) != "<NA>"
        )
        problems.append(
            Problem(
                f"{what} stands in {counted(lines)}",
                "two rows of one run count a base twice",
                _apart(cells, of, [place[line] for line in lines]),
                Where(file, lines[1]),
            )
        )
    if len(groups) > A_FEW:
        more = groups[A_FEW]
        problems.append(
            Problem(
                f"{len(groups) - A_FEW} more such pairs",
                where=Where(file, int(more["line"].iloc[1])),
            )
        )
    return problems


def _apart(cells: Cells, of: Mapping[str, str], at: list[int]) -> str:
    """What to do: the columns that tell the rows apart, where no column of ours does."""
    used = set(of.values())
    for name, column in cells.columns.items():
        values = list(dict.fromkeys(stripped(column[k]) for k in at))
        if name not in used and len(values) == len(at):
            ways = [f"choose with --where {name}={values[0]}"]
            ways += [f"name it with {way}" for way in _roles(of)]
            return f"they differ in {name!r}: {', or '.join(ways)}"
    return "delete all but one"


def _roles(of: Mapping[str, str]) -> list[str]:
    free = {"seed": "--seed-column", "treatment": "--treatment"}
    return [f"{option} if it is the {name}" for name, option in free.items() if name not in of]
