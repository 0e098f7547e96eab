"""Files that are no table are refused with their reason, and never opened as anything else."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import pytest

from tests.leaderboard.table.conftest import Export, faults, row
from workbench.leaderboard.table import read_table


class Bomb:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "pkl"])
def test_a_pickle_is_not_opened(tmp_path: Path, suffix: str) -> None:
    trace, path = tmp_path / "trace", tmp_path / f"t.{suffix}"
    path.write_bytes(pickle.dumps(Bomb(trace)))
    assert "a pickle, which can run code" in faults(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"<!doctype html><html>", "a web page"),
        (b'[{"fullname": "a/x"}]', "JSON"),
        (b"PK\x03\x04rest", "an Excel workbook"),
        (gzip.compress(b"a,b"), "gzip"),
        (b"a\x00b\x01\x02", "binary data"),
        ("a,b\n1,2\n".encode("utf-16"), "it begins like UTF-16"),
        (b"fullname,BBH\na/x,1\nb/\xfc,2\n", "byte 0xfc is not UTF-8"),
        (b"one line\nanother\n", "is not a table"),
        (b"a,a,b\n1,2,3\n", "column a stands there more than once"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert words in faults(path)


def test_the_line_of_a_foreign_byte_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"fullname,BBH\na/x,1\nb/\xfc,2\n")
    assert "t.csv:3" in faults(path)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    assert "cannot read" in faults(tmp_path / "none.csv")
    assert "it is a folder" in faults(tmp_path)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_truncated_parquet_file(export: Export, kept: float) -> None:
    path = export([row(f"a/{n}") for n in range(50)], "t.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    assert "truncated Parquet file" in faults(path)


def test_a_damaged_parquet_file(export: Export) -> None:
    path = export([row(f"a/{n}") for n in range(50)], "t.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:400] + whole[-40:])
    assert "damaged Parquet file" in faults(path)


def test_a_csv_that_was_cut_short(export: Export) -> None:
    path = export([row(f"a/{n}") for n in range(5)])
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("LlamaForCausalLM")], encoding="utf-8")
    assert "the file was cut short" in faults(path) and "t.csv:6" in faults(path)


def test_lines_of_other_lengths_are_named(export: Export) -> None:
    path = export([row(f"a/{n}") for n in range(9)])
    lines = path.read_text(encoding="utf-8").splitlines()
    for at in range(1, 8):
        lines[at] += ",more"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert "lines 2, 3, 4, 5, 6, … (7 in all) have more or fewer cells" in faults(path)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_read_with_a_notice(export: Export, separator: str) -> None:
    rows = [row("a/x"), row("b/y")]
    table = read_table(export(rows, delimiter=separator))
    assert table.frame.equals(read_table(export(rows, "plain.csv")).frame)
    assert any("cells are separated by" in str(notice) for notice in table.notices)


def test_lines_are_counted_through_cells_of_several_lines(export: Export) -> None:
    rows = [row("a/x", Architecture="one\ntwo"), row("b/y", BBH="?"), row("c/z")]
    table = read_table(export(rows))
    assert list(table.frame.row) == [2, 5]


def test_a_byte_order_mark_is_no_part_of_the_first_header(export: Export) -> None:
    path = export([row("a/x")])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_table(path).frame.type[0] == "finetune"


def test_a_large_table_is_read_in_seconds(export: Export) -> None:
    rows = [row(f"a/{n}", f"a/{n // 3}" if n else None) for n in range(5000)]
    assert len(read_table(export(rows, "t.parquet")).frame) == 5000
