"""The two sides of a study's question: the group asked about, and all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import Problem, Where
from workbench.likely import did_you_mean
from workbench.study.table.where import equal
from workbench.tables.cells import NO, YES

#: Values that are asked about without being told so: the project's own question.
CHINESE = frozenset({"chinese", "china", "cn", "zh", "prc"})
#: Headers that do not name what their 1 means.
NO_NAME = frozenset({"group", "asked", "side"})


@dataclass(frozen=True)
class Sides:
    """``value`` is the cell of the side asked about; ``asked`` and ``others`` its names in words.

    ``values`` are all that the column holds; more than one of them may be on the other side.
    """

    value: str
    asked: str
    others: str
    values: tuple[str, ...]

    def holds(self, cell: str | None) -> bool:
        """Whether the cell is of the side asked about."""
        return cell is not None and equal(cell, self.value)


def sides(
    cells: Sequence[str | None],
    header: str,
    asked: str | None,
    names: tuple[str | None, str | None],
    file: str,
) -> tuple[Sides | None, list[Problem]]:
    """Who is asked about: ``asked``, else the 1 of 1 and 0, else the value that means Chinese.

    ``names`` are what a person calls the two sides, where they said so. Problems where it cannot
    be told, no cell has what was asked for, or there is one group only.
    """
    values = tuple(dict.fromkeys(cell for cell in cells if cell is not None))
    where = Where(file, 1)
    if not values:
        return None, []
    said = asked if asked is not None else _guess(values)
    if len(values) == 1:
        return None, [
            Problem(
                f"one group only: every {header!r} is {values[0]!r}",
                "one group alone has nothing to differ from",
                "add bases of another group, or name another column with --group",
                where,
            )
        ]
    listed = ", ".join(values[:12]) + (", …" if len(values) > 12 else "")
    if said is None:
        return None, [
            Problem(
                f"which group is asked about? {header!r} has {listed}",
                "the others are what it is compared with",
                f"say so with --asked, as in --asked {values[0]}",
                where,
            )
        ]
    same = [value for value in values if equal(value, said)]
    if not same:
        return None, [
            Problem(
                f"--asked {said}: no row has that",
                f"{header!r} has {listed}",
                did_you_mean(said, values) or "give one of them",
                where,
            )
        ]
    return Sides(same[0], *_names(same[0], header, values, names), values), []


def _guess(values: Sequence[str]) -> str | None:
    lower = [value.casefold() for value in values]
    if all(value in YES | NO for value in lower):
        return next((v for v, low in zip(values, lower, strict=True) if low in YES), None)
    chinese = [v for v, low in zip(values, lower, strict=True) if low in CHINESE]
    return chinese[0] if len(chinese) == 1 else None


def _names(
    value: str, header: str, values: Sequence[str], given: tuple[str | None, str | None]
) -> tuple[str, str]:
    plain = all(v.casefold() in YES | NO for v in values)
    words = header.replace("_", " ").strip()
    if words.lower().startswith("is "):
        words = words[3:]
    asked, others = value, "others"
    if plain and words.lower() in NO_NAME:
        no = next((v for v in values if not equal(v, value)), None)
        asked, others = f"group {value}", f"group {no}" if no else others
    elif plain:
        asked = words
    elif len(values) == 2:
        others = next(v for v in values if not equal(v, value))
    if asked.casefold() in CHINESE:
        asked = "Chinese"
    return given[0] or asked[:1].upper() + asked[1:], given[1] or others
