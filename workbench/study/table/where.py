"""``--where COLUMN=VALUE``: which rows of a table are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.errors import Problem, UserError, Where
from workbench.likely import did_you_mean
from workbench.tables.cells import stripped
from workbench.tables.files import Cells

#: Values named in a message before it says how many more there are.
LISTED = 12


def selected(cells: Cells, conditions: Sequence[str], file: str) -> Cells:
    """The rows for which every condition holds; several values of one column mean any of them.

    Raises:
        UserError: a condition without ``=``, of a column or with a value that is not there, or no
            row for which all hold.
    """
    wanted: dict[str, set[str]] = {}
    problems = []
    for condition in conditions:
        column, sign, value = (part.strip() for part in condition.partition("="))
        if not sign or column not in cells.columns:
            known = ", ".join(list(cells.columns)[:40])
            remedy = did_you_mean(column, cells.columns) or "write --where COLUMN=VALUE"
            fact = f"--where {condition}: " + (
                f"no column {column!r}" if sign else "there is no = in it"
            )
            problems.append(Problem(fact, f"the file's columns: {known}", remedy, Where(file, 1)))
            continue
        values = list(dict.fromkeys(map(stripped, cells.columns[column])))
        same = [one for one in values if equal(one, value)]
        if not same:
            shown = ", ".join(values[:LISTED]) + (", …" if len(values) > LISTED else "")
            problems.append(
                Problem(
                    f"--where {condition}: no row has that",
                    f"{column} has {len(values)} values: {shown}",
                    did_you_mean(value, values) or "give one of them",
                    Where(file, 1),
                )
            )
        wanted.setdefault(column, set()).update(same)
    if problems:
        raise UserError(problems)
    keep = [
        at
        for at in range(len(cells.lines))
        if all(stripped(cells.columns[name][at]) in any_of for name, any_of in wanted.items())
    ]
    if cells.lines and not keep:
        raise UserError(
            Problem(
                "no row is left",
                f"none has {' and '.join(f'--where {one}' for one in conditions)} together",
                "leave one of them out",
                Where(file),
            )
        )
    columns = {name: [column[at] for at in keep] for name, column in cells.columns.items()}
    return replace(cells, columns=columns, lines=[cells.lines[at] for at in keep])


def equal(one: str, other: str) -> bool:
    """Whether two cells say the same: as text in any case, or as a figure (``1`` and ``1.0``)."""
    if one.casefold() == other.casefold():
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False
