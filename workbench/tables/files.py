"""From a file to columns of cells: CSV as text, Parquet with its own types.

Whatever is no table is refused before it is read: a pickle can run code when it is opened, and a
truncated Parquet file has lost the part that says where its columns are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError, Where, user_error

#: How files begin that are no table of text or Parquet, and what they are.
MAGIC: Mapping[bytes, str] = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"ARROW1": "an Arrow (Feather) file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a database",
    b"\x89PNG": "an image",
}
AGAIN = "save or download it again as CSV or Parquet"
#: Lines named in a message before it says how many more there are.
A_FEW = 5


@dataclass
class Cells:
    """The columns of a file by their header, and the line (CSV) or row (Parquet) of each row.

    ``decimal_comma``: figures may be written with a comma, which separates no cells here.
    """

    columns: dict[str, Any]
    lines: list[int]
    kind: str
    notices: list[Problem] = field(default_factory=list)
    decimal_comma: bool = False


def read_cells(path: Path) -> Cells:
    """The cells of a CSV or Parquet file, told apart by what is in it.

    Raises:
        UserError: no such file, no table, a truncated or damaged one, the wrong encoding, lines
            that have other numbers of cells than the header.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else (error.strerror or str(error))
        raise user_error(f"cannot read {path}", reason, "check the path") from None
    if not data.strip():
        raise user_error(f"{path} is empty", remedy=AGAIN)
    if data[:4] == b"PAR1":
        return _parquet(path, data)
    if what := _no_table(data):
        cause = f"it is {what}, not CSV or Parquet"
        raise user_error(f"{path} is not a table", cause, AGAIN)
    return _csv(path, data)


def _no_table(data: bytes) -> str | None:
    for magic, what in MAGIC.items():
        if data.startswith(magic):
            return what
    # Protocols 2 to 5 begin like this and end with STOP.
    if data[0] == 0x80 and data[1:2] <= b"\x05" and data.rstrip().endswith(b"."):
        return "a pickle, which can run code when it is opened"
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        return "a web page"
    if start in (b"{", b"["):
        return "JSON"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    return "binary data" if b"\x00" in data[:4096] else None


def _parquet(path: Path, data: bytes) -> Cells:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if data[-4:] != b"PAR1":
        raise user_error(
            f"{path} is a truncated Parquet file",
            f"it ends after {len(data):,} bytes without the mark that closes such a file",
            AGAIN,
        )
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise user_error(f"{path} is a damaged Parquet file", reason, AGAIN) from None
    names = table.column_names
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise user_error(
            f"{path} has column {', '.join(doubled)} more than once", remedy="keep one of each"
        )
    columns = {name: table.column(name).to_pylist() for name in names}
    return Cells(columns, list(range(1, table.num_rows + 1)), "Parquet")


def _csv(path: Path, data: bytes) -> Cells:
    text = _text(path, data)
    header_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=header_line.count)
    notices = []
    if separator != ",":
        what = "tabs" if separator == "\t" else "semicolons"
        notices.append(Problem(f"cells are separated by {what}", where=Where(str(path), 1)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: list[int] = []
    line = 1
    try:
        header = [cell.strip() for cell in next(reader)]
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num
            if not row:
                continue
            if len(row) != len(header):
                ragged.append(line)
                continue
            rows.append(row)
            lines.append(line)
    except csv.Error as error:
        where = Where(str(path), reader.line_num)
        raise UserError(Problem(f"no CSV: {error}", remedy=AGAIN, where=where)) from None
    _check_shape(path, header, ragged, cut_short=ragged == [line])
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    columns = columns or {name: [] for name in header}
    return Cells(columns, lines, "CSV", notices, decimal_comma=separator != ",")


def _text(path: Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise user_error(f"{path} is not UTF-8", "it begins like UTF-16", "save it as CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise user_error(
            f"byte {data[error.start]:#04x} is not UTF-8",
            "the file was saved in another encoding, perhaps Latin-1",
            "save it as CSV in UTF-8",
            Where(str(path), line),
        ) from None


def _check_shape(path: Path, header: list[str], ragged: list[int], *, cut_short: bool) -> None:
    problems = []
    if doubled := sorted({name for name in header if name and header.count(name) > 1}):
        fact = f"column {', '.join(doubled)} stands there more than once"
        problems.append(Problem(fact, remedy="keep one of each", where=Where(str(path), 1)))
    if len(header) == 1:
        cause = f"its first line is {header[0][:60]!r}"
        problems.append(Problem(f"{path} is not a table", cause, AGAIN))
    elif ragged:
        has = "has" if len(ragged) == 1 else "have"
        cause = "a comma or a quote inside a cell, not quoted, moves all cells after it"
        if cut_short:
            cause = "it is the last line: the file was cut short"
        problems.append(
            Problem(
                f"{counted(ragged)} {has} more or fewer cells than the header's {len(header)}",
                cause,
                AGAIN,
                Where(str(path), ragged[0]),
            )
        )
    if problems:
        raise UserError(problems)


def counted(lines: list[int]) -> str:
    """``line 7``, or ``lines 7, 9, … (12 in all)``."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    named = ", ".join(str(line) for line in lines[:A_FEW])
    return f"lines {named}" + (f", … ({len(lines)} in all)" if len(lines) > A_FEW else "")
