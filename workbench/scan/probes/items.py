"""A probe's items: drawn from a seed without end, or rows of a file, in two disjoint splits."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from workbench.errors import Problem, UserError, Where
from workbench.likely import did_you_mean
from workbench.schema import Strict

Split = Literal["search", "held-out"]

#: Draws in a row without a new item after which a generator is taken for exhausted.
_PATIENCE = 10_000
#: Problems of one file that are told; more are counted.
_MOST_TOLD = 20

Row = TypeVar("Row", bound=Strict)
T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """One question. ``id`` is its own among all items of the probe, whatever split and seed."""

    id: str
    prompt: str
    answer: Any


def drawn(
    name: str, draw: Callable[[random.Random, int], Item], count: int, *, seed: int, split: Split
) -> list[Item]:
    """``count`` items from ``draw(rng, turn)``; each split takes every second of one stream.

    The stream has no item twice, so the splits of a seed are disjoint at any count, and a longer
    list starts with the shorter one. Fewer come back where ``draw`` has no more.
    """
    if count < 0:
        raise ValueError(f"there are no {count} items")
    rng = random.Random(f"{name} {seed}")
    parity = 0 if split == "search" else 1
    found: list[Item] = []
    seen: set[str] = set()
    repeats = 0
    while len(found) < count and repeats < _PATIENCE:
        # Both splits get an item of every kind before the kinds come round again.
        item = draw(rng, len(seen) // 2)
        if item.id in seen:
            repeats += 1
            continue
        repeats = 0
        if len(seen) % 2 == parity:
            found.append(item)
        seen.add(item.id)
    return found


def halved(items: Sequence[T], count: int, *, seed: int, split: Split) -> list[T]:
    """Up to ``count`` of one half of ``items``, after a shuffle by the seed."""
    if count < 0:
        raise ValueError(f"there are no {count} items")
    order = list(range(len(items)))
    random.Random(f"halves {seed}").shuffle(order)
    return [items[at] for at in order[0 if split == "search" else 1 :: 2][:count]]


def read_rows(file: Path, row: type[Row]) -> list[tuple[int, Row]]:
    """The rows of a JSON-lines file with their line numbers from 1; blank lines are skipped.

    Raises:
        UserError: the file cannot be read, is empty, or rows do not fit; all at once, by line.
    """
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            Problem(f"{file} cannot be read: {reason}", "", "give a UTF-8 file of JSON lines")
        ) from None
    found: list[tuple[int, Row]] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = Where(str(file), number)
        try:
            found.append((number, row.model_validate_json(line)))
        except ValidationError as error:
            problems += [_problem(one, row, where) for one in error.errors()]
    if not found and not problems:
        problems.append(Problem("the file has no rows", "", _shape(row), Where(str(file))))
    if len(problems) > _MOST_TOLD:
        more = len(problems) - _MOST_TOLD
        problems[_MOST_TOLD:] = [Problem(f"{more} more of the kind", where=Where(str(file)))]
    if problems:
        raise UserError(problems)
    return found


def _problem(error: Any, row: type[Strict], where: Where) -> Problem:
    key = ".".join(str(part) for part in error["loc"])
    kind = error["type"]
    if kind == "json_invalid":
        return Problem(f"this line is not JSON: {error['ctx']['error']}", "", _shape(row), where)
    if kind == "extra_forbidden":
        remedy = did_you_mean(key, row.model_fields) or "correct or remove it"
        return Problem(
            f"unknown key {key!r}", f"a row knows {', '.join(row.model_fields)}", remedy, where
        )
    if kind == "missing":
        return Problem(f"the row has no {key!r}", "", _shape(row), where)
    message = error["msg"].removeprefix("Value error, ")
    return Problem(f"{key}: {message}" if key else message, "", _shape(row), where)


def _shape(row: type[Strict]) -> str:
    keys = json.dumps(dict.fromkeys(row.model_fields, "…"), ensure_ascii=False)
    return f"one JSON object a line: {keys}"
