"""Files of items, one JSON object a line: ``{"id", "question", "answer", "options", "pair"}``.

``options`` and ``pair`` may be absent. Beside ``options``, ``answer`` is one of them or the number
of one, counted from 0. Other columns are passed over: data sets carry what they carry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError, Where
from workbench.finetune.read import FileError, Placed, read
from workbench.likely import did_you_mean
from workbench.study.questions.items import Item

FIELDS = ("id", "question", "answer", "options", "pair")

#: Rows that are told of one by one; a file that is wrong throughout would fill the screen.
MOST_TOLD = 20


def read_items(path: Path) -> list[Item]:
    """The items of a file (.jsonl, or another format that data sets are read from), in order.

    Raises:
        UserError: the file is not there, cannot be read or has no items; or rows lack a field,
            have one of the wrong kind, or say again what an earlier row said. All bad rows are
            named, with their lines.
    """
    where = Where(str(path))
    if not path.is_file():
        raise UserError(
            Problem(
                f"{path} is not a file" if path.exists() else f"{path} is not there",
                "the items that probes ask stand in a file, one JSON object a line",
                'write lines such as {"id": "1", "question": "…", "answer": "…"}',
                where,
            )
        )
    items: list[Item] = []
    problems: list[Problem] = []
    ids: dict[str, int] = {}
    contents: dict[Item, int] = {}
    try:
        for row in read(path):
            place = Where(str(path), row.line)
            item, found = _item(row, place)
            if item is not None:
                found = _again(item, row.line, ids, contents, place)
                items.append(item)
            problems.extend(found)
    except FileError as error:
        raise UserError(Problem(error.fact, error.cause, error.remedy, where)) from None
    if problems:
        raise UserError(_most(problems, where))
    if not items:
        raise UserError(
            Problem(f"{path} has no items", "probes have nothing to ask", "", where),
        )
    return items


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Write items so that :func:`read_items` gives them back, ``answer`` as text."""
    lines = []
    for item in items:
        row: dict[str, Any] = {"id": item.id, "question": item.question, "answer": item.answer}
        if item.options:
            row["options"] = list(item.options)
        if item.pair:
            row["pair"] = item.pair
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def _item(row: Placed, place: Where) -> tuple[Item | None, list[Problem]]:
    """The item of a row, or what is wrong with it."""
    if row.error:
        return None, [Problem(row.error, "every line holds one JSON object", "", place)]
    if not isinstance(row.value, Mapping):
        kind = type(row.value).__name__
        return None, [Problem(f"a JSON {kind} is no item", "an item is an object", "", place)]
    fields = dict(row.value)
    problems = [
        problem
        for name in ("id", "question", "answer")
        if (problem := _missing(fields, name, place)) is not None
    ]
    options = fields.get("options")
    if not _are_options(options):
        fact = f"options is {_short(options)}"
        remedy = 'two or more texts, as in "options": ["a", "b"], no two alike'
        problems.append(Problem(fact, "an item is asked with all its options", remedy, place))
    pair = fields.get("pair")
    if not isinstance(pair, str | int | None) or isinstance(pair, bool):
        fact = f"pair is {_short(pair)}"
        remedy = 'the id of that item, as in "pair": "17"'
        problems.append(Problem(fact, "it names the item this one varies", remedy, place))
    if problems:
        return None, problems
    answer, wrong = _answer(fields["answer"], options or [], place)
    if wrong is not None:
        return None, [wrong]
    item = Item(
        id=str(fields["id"]),
        question=str(fields["question"]),
        answer=answer,
        options=tuple(str(option) for option in options or ()),
        pair="" if pair is None else str(pair),
    )
    return item, []


def _missing(fields: Mapping[str, Any], name: str, place: Where) -> Problem | None:
    """What is wrong with a field that every item has."""
    value = fields.get(name)
    if isinstance(value, str) and value.strip():
        return None
    if name != "question" and isinstance(value, int | float) and not isinstance(value, bool):
        return None
    if name in fields:
        return Problem(
            f"{name} is {_short(value)}",
            "it must be a text that says something",
            "fill it in, or remove the row",
            place,
        )
    others = [key for key in fields if key not in FIELDS]
    return Problem(
        f"the item has no {name}",
        "an item is asked by its question and judged by its "
        "answer, and its id is what results call it",
        did_you_mean(name, others) or f'add "{name}"',
        place,
    )


def _are_options(options: Any) -> bool:
    if options is None or options == []:
        return True
    if not isinstance(options, list) or len(options) < 2:
        return False
    texts = [str(option) for option in options]
    plain = all(isinstance(option, str | int | float) for option in options)
    return plain and all(text.strip() for text in texts) and len(set(texts)) == len(texts)


def _answer(given: Any, options: list[Any], place: Where) -> tuple[str, Problem | None]:
    """The answer's text: itself, or the option that it names."""
    texts = [str(option) for option in options]
    number = isinstance(given, int) and not any(isinstance(option, int) for option in options)
    if not options or (not number and str(given) in texts):
        return str(given), None
    if number and 0 <= given < len(options):
        return texts[given], None
    return "", Problem(
        f"answer {_short(given)} is none of the options",
        "the right option must be among them",
        f"one of the texts, or a number from 0 to {len(options) - 1}",
        place,
    )


def _again(
    item: Item, line: int, ids: dict[str, int], contents: dict[Item, int], place: Where
) -> list[Problem]:
    """Whether an earlier row had the same id or content; both are noted."""
    first = ids.setdefault(item.id, line)
    if first != line:
        return [
            Problem(
                f"id {item.id!r} is that of line {first} too",
                "results are told apart by it",
                "give every item its own id",
                place,
            )
        ]
    content = Item("", item.question, item.answer, item.options)
    first = contents.setdefault(content, line)
    if first != line:
        return [
            Problem(
                f"the same item stands in line {first}",
                "counted twice, it would make intervals too narrow",
                "remove one",
                place,
            )
        ]
    return []


def _most(problems: list[Problem], where: Where) -> list[Problem]:
    if len(problems) <= MOST_TOLD:
        return problems
    more = len(problems) - MOST_TOLD
    return [*problems[:MOST_TOLD], Problem(f"and {more} more problems in this file", where=where)]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
