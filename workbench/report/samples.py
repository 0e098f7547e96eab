"""The items shown one by one: a small, stated choice from ``samples.parquet``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.report.results import Results

#: Bounds that keep the page small whatever the run was.
ITEMS_PER_TASK = 40
LETTERS = 400
MOST_ANSWERS = 6000


def choose_samples(run_folder: Path, results: Results) -> dict[str, Any] | None:
    """The items for the browser as plain data, or ``None`` where the run kept none.

    For each task the same items are shown for every output: first those on which some output and
    a parent of it score differently, then others. ``shown`` and ``all`` count the items.
    """
    path = run_folder / "samples.parquet"
    if not path.is_file():
        return None
    import pandas

    frame = pandas.read_parquet(path)
    if frame.empty or not {"output", "task", "item_id", "score"} <= set(frame.columns):
        return None
    entries = [entry for entry in results.entries if entry.scores]
    index_of = {entry.id or entry.name: index for index, entry in enumerate(entries)}
    groups: dict[str, dict[str, dict[int, Any]]] = {}
    for row in frame.to_dict("records"):
        entry = results.entry(str(row["output"]), _seed(row.get("seed")))
        index = index_of.get(entry.id or entry.name) if entry else None
        if index is not None:
            answers = groups.setdefault(str(row["task"]), {})
            answers.setdefault(str(row["item_id"]), {})[index] = row
    if not groups:
        return None
    parents = [
        [
            index_of[parent.id or parent.name]
            for name in entry.parents
            if (parent := results.entry(name, entry.seed)) is not None
            and (parent.id or parent.name) in index_of
        ]
        for entry in entries
    ]
    limit = max(4, min(ITEMS_PER_TASK, MOST_ANSWERS // max(1, len(entries) * len(groups))))
    tasks = [
        # A score of 1 is right and 0 is wrong, but not where less is better.
        _task(name, items, parents, limit, results.more_is_better(name))
        for name, items in groups.items()
    ]
    return {
        "outputs": [
            {
                "name": entry.name,
                "seed": entry.seed if results.seeded else None,
                "kind": entry.kind,
                "parents": parents[index],
            }
            for index, entry in enumerate(entries)
        ],
        "tasks": tasks,
    }


def _task(
    name: str,
    items: dict[str, dict[int, Any]],
    parents: list[list[int]],
    limit: int,
    right_or_wrong: bool,
) -> dict[str, Any]:
    def changed(rows: dict[int, Any]) -> bool:
        return any(
            child in rows and parent in rows and rows[child]["score"] != rows[parent]["score"]
            for child, above in enumerate(parents)
            for parent in above
        )

    # A stable sort: changed items first, each group in the order of the file.
    chosen = sorted(items.items(), key=lambda item: not changed(item[1]))[:limit]
    return {
        "name": name,
        "all": len(items),
        "shown": len(chosen),
        "changed": sum(changed(rows) for rows in items.values()),
        "rightOrWrong": right_or_wrong,
        "items": [
            {
                "id": item_id,
                "question": _first(rows, "question", "prompt"),
                "target": _first(rows, "target"),
                "answers": {
                    str(index): [_text(row.get("answer")), _number(row["score"])]
                    for index, row in sorted(rows.items())
                },
            }
            for item_id, rows in chosen
        ],
    }


def _first(rows: dict[int, Any], *columns: str) -> str | None:
    for column in columns:
        for row in rows.values():
            text = _text(row.get(column))
            if text is not None:
                return text
    return None


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and value != value):
        return None
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LETTERS else text[:LETTERS] + "…"


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) and value == value:
        return float(value)
    return None


def _seed(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value == value else None


def embed(data: object) -> str:
    """JSON that may stand inside a ``script`` element: no character can end or open one."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
