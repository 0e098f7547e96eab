"""Reading local data files row by row, each with its place; no torch, no ``datasets``."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How a local data file's name may end.
SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv")

_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?\Z")


class FileError(ValueError):
    """The file as a whole cannot be read; ``remedy`` says what to do."""

    def __init__(self, fact: str, cause: str = "", remedy: str = "") -> None:
        super().__init__(fact)
        self.fact, self.cause, self.remedy = fact, cause, remedy


@dataclass(frozen=True)
class Placed:
    """A row and where it stands: a line of a text file, or a row of a table (both from 1).

    ``value`` is ``None`` and ``error`` says why when the line does not parse.
    """

    line: int
    value: Any
    error: str = ""


def is_local(path: str) -> bool:
    """Whether a data set's ``path`` means a file here, and not a data set on the hub."""
    if path.lower().endswith(SUFFIXES) or Path(path).expanduser().exists():
        return True
    return path.startswith((".", "/", "~")) or not _HUB_ID.match(path)


def read(path: Path) -> Iterator[Placed]:
    """The rows of a .jsonl, .json, .csv, .tsv or .parquet file in order.

    Raises :class:`FileError` when the file cannot be read at all; a single bad line comes out
    with its ``error`` set.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    if suffix in (".csv", ".tsv"):
        return _csv(path, "," if suffix == ".csv" else "\t")
    if suffix == ".json":
        return _json(path)
    if suffix in (".jsonl", ".ndjson"):
        return _jsonl(path)
    raise FileError(
        f"{path.name} does not end in one of {', '.join(SUFFIXES)}",
        "the ending says how the file is read",
        "convert it to JSON Lines: one object a line",
    )


def _text(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a UTF-8 file; a byte order mark at its start is dropped."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            number = 0
            for number, line in enumerate(file, 1):
                yield number, line
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path.name} is not UTF-8 text (after line {number})",
            f"byte 0x{error.object[error.start]:02x} at this place is not UTF-8",
            f"convert it: iconv -f utf-16 -t utf-8 {path.name}, or with the encoding it has",
        ) from None


def _jsonl(path: Path) -> Iterator[Placed]:
    for number, line in _text(path):
        if not line.strip():
            continue
        try:
            yield Placed(number, json.loads(line))
        except ValueError as error:
            detail = str(error)
            if isinstance(error, json.JSONDecodeError):
                detail = f"{error.msg} at column {error.pos + 1}"
            if number == 1 and line.lstrip().startswith("["):
                detail += "; the file looks like a JSON array: name it .json"
            yield Placed(number, None, f"not JSON: {detail}")
        except RecursionError:
            yield Placed(number, None, "not usable JSON: nested too deeply")


def _json(path: Path) -> Iterator[Placed]:
    text = "".join(line for _, line in _text(path))
    if not text.strip():
        return
    try:
        rows = json.loads(text)
    except RecursionError:
        raise FileError(f"{path.name} is nested too deeply") from None
    except ValueError as error:
        raise FileError(
            f"{path.name} is not JSON: {error}",
            "a .json data file is one array of objects",
            "if it has one object a line, name it .jsonl",
        ) from None
    if not isinstance(rows, list):
        raise FileError(
            f"{path.name} holds one JSON {type(rows).__name__}, not an array of rows",
            remedy="put the rows in an array, or write one object a line into a .jsonl file",
        )
    yield from (Placed(number, row) for number, row in enumerate(rows, 1))


def _csv(path: Path, delimiter: str) -> Iterator[Placed]:
    lines = (line for _, line in _text(path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Placed(start, None, f"not CSV: {error}")
            return
        if not cells:
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            yield Placed(start, None, f"{len(cells)} cells, but the header has {len(header)}")
        else:
            yield Placed(start, dict(zip(header, cells, strict=True)))


def _parquet(path: Path) -> Iterator[Placed]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                number += 1
                yield Placed(number, row)
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(
            f"{path.name} is not a whole Parquet file: {str(error).splitlines()[0]}",
            remedy="fetch or write it again",
        ) from None
