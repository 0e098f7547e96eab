"""What one cell of any table says: text, a figure, yes or no, or nothing.

Each function takes a whole column, because a table can have a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

#: What people and programs write where there is no value.
NOTHING = frozenset({"", "-", "--", "?", "n/a", "na", "nan", "none", "null", "<na>", "nat"})
YES = frozenset({"true", "yes", "1", "1.0", "✅"})
NO = frozenset({"false", "no", "0", "0.0", "❌"})


def stripped(cell: Any) -> str:
    """The cell as text without blanks around it; empty for ``None``."""
    return "" if cell is None else str(cell).strip()


def each(column: Sequence[Any], say: Callable[[Any], T]) -> list[T]:
    """``say`` of every cell, asked once for each distinct one: most columns repeat a few."""
    known: dict[tuple[type, Any], T] = {}
    said = []
    for cell in column:
        if isinstance(cell, (list, dict)):
            said.append(say(cell))
            continue
        key = (type(cell), cell)
        if key not in known:
            known[key] = say(cell)
        said.append(known[key])
    return said


def text_of(cell: Any) -> str | None:
    """The cell's text; ``None`` where it holds no value."""
    text = stripped(cell)
    return None if text.lower() in NOTHING else text


def figures(column: Sequence[Any]) -> tuple[pd.Series, list[int]]:
    """A column of figures (NaN where there is none), and where cells hold something else."""
    import pandas as pd

    values = pd.Series(column, dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    bad = []
    for at in numbers.index[numbers.isna()]:
        cell = stripped(values[at])
        if cell.lower() in NOTHING:
            continue
        try:
            numbers[at] = float(cell.removesuffix("%").strip())
        except ValueError:
            bad.append(int(at))
    infinite = numbers.abs() == float("inf")
    bad += [int(at) for at in numbers.index[infinite]]
    return numbers.mask(infinite), sorted(bad)


def flags(column: Sequence[Any]) -> pd.Series:
    """A column of yes and no as pandas' ``boolean``; NA where the cell is neither."""
    import pandas as pd

    words = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    said = each(column, lambda cell: words.get(stripped(cell).lower()))
    return pd.Series(said, dtype="boolean")
