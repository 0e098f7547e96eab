"""Single entries of the table against the model they were made from: gain, noise and luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, UserError
from workbench.leaderboard.analysis.suspects import BENCHMARKS
from workbench.leaderboard.published import PublishedEntry
from workbench.likely import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from workbench.leaderboard.table import Table

#: Told without being asked for, where the table has them: the entry whose fame began the question,
#: and what others made of it.
ALWAYS = (
    "dnhkng/RYS-XLarge",
    "MaziyarPanahi/calme-2.4-rys-78b",
    "dfurman/CalmeRys-78B-Orpo-v0.1",
)


def pairs(table: Table, asked: Sequence[str]) -> list[tuple[PublishedEntry, PublishedEntry]]:
    """Each asked entry with its parent, and those of ``ALWAYS`` that the table has with theirs.

    The parent is the one by which the entry was placed; else its official instruct model; else
    its root.

    Raises:
        UserError: an asked entry is not in the table, or nothing it was made from is; all of them.
    """
    speaking = table.frame[table.frame["represents"]]
    rows = {str(name).lower(): row for name, (_, row) in zip(
        speaking["hub_id"], speaking.iterrows(), strict=True)}  # fmt: skip
    named = {str(row["model"]).lower(): key for key, row in rows.items()}
    problems: list[Problem] = []
    found: list[tuple[PublishedEntry, PublishedEntry]] = []
    for name in dict.fromkeys([*asked, *ALWAYS]):
        wanted = name.strip().lower()
        row = rows.get(named.get(wanted, wanted))
        above = None if row is None else _parent(row, rows)
        if row is not None and above is not None:
            found.append((_entry(row, table), _entry(above, table)))
        elif name in asked:
            problems.append(_missing(name, row, [str(r["model"]) for r in rows.values()]))
    if problems:
        raise UserError(problems)
    return found


def compare(
    found: Sequence[tuple[PublishedEntry, PublishedEntry]], *, seed: int
) -> list[dict[str, Any]]:
    """What :func:`workbench.leaderboard.luck.compare_published` says of each pair."""
    from workbench.leaderboard.luck import compare_published

    return [compare_published(entry, parent, seed=seed) for entry, parent in found]


def _parent(row: pd.Series, rows: dict[str, pd.Series]) -> pd.Series | None:
    for column in ("parent", "parent_instruct", "root"):
        name = row[column]
        if isinstance(name, str) and name.lower() != str(row["hub_id"]).lower():
            above = rows.get(name.lower())
            if above is not None:
                return above
    return None


def _missing(name: str, row: pd.Series | None, known: list[str]) -> Problem:
    if row is None:
        return Problem(
            f"no entry {name!r} in the table",
            remedy=did_you_mean(name, known) or "write it as the table does, OWNER/MODEL",
        )
    why = row["why_unplaced"]
    return Problem(
        f"nothing to set {name} against",
        str(why) if isinstance(why, str) else "no model it was made from is in the table",
        "ask for an entry whose parent the table has",
    )


def _entry(row: pd.Series, table: Table) -> PublishedEntry:
    from workbench.errors import Where

    scores = {name: float(row[name]) for name in BENCHMARKS}
    average = float(row["average"])
    hidden = _rounding([*scores.values(), average])
    template = row["chat_template"]
    return PublishedEntry(
        entry=str(row["model"]),
        snapshot=table.path.stem,
        source=f"{table.path.name}, line {int(row['row'])}",
        revision=row["revision"] if isinstance(row["revision"], str) else None,
        precision=row["precision"] if isinstance(row["precision"], str) else None,
        chat_template=None if _na(template) else bool(template),
        average=average,
        scores=scores,
        rounding=dict.fromkeys((*BENCHMARKS, "average"), hidden),
        where=Where(str(table.path), int(row["row"])),
    )


def _rounding(values: Sequence[float]) -> float:
    """Half a unit of the last decimal that these figures have; 0 where there are many."""
    for decimals in range(5):
        if all(abs(round(value, decimals) - value) < 1e-9 for value in values):
            return float(0.5 * 10.0**-decimals)
    return 0.0


def _na(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
