"""The ledger against a plain dictionary, a kill, damaged files and a full disk."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.relayer.path import describe, parse_layer_map
from workbench.scan import grid
from workbench.scan.ledger import parts
from workbench.scan.ledger.ledger import Ledger
from workbench.store.disk import is_full

N = 4
PATHS = [grid.layers(block, N) for block in grid.blocks(N)]
ITEMS = [f"item-{k}" for k in range(6)]


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def bar(self, label: str, total: int):
        yield lambda advance=1, note="": None

    def line(self, text: str) -> None:
        self.lines.append(text)


requests = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["search", "held-out"]),
        st.lists(st.sampled_from(PATHS), min_size=1, max_size=6),
        st.lists(st.sampled_from(ITEMS), min_size=1, max_size=5),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(requests, st.integers(0, 2**32 - 1))
def test_missing_covers_the_rest_and_only_the_rest(asks: list, seed: int) -> None:
    """Against a dictionary; ``False`` asks without measuring, as a killed worker would."""
    rng = np.random.default_rng(seed)
    kept: dict[tuple, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger")
        for probe, split, paths, items, measures in asks:
            asked: list[tuple] = []
            for some_paths, some_items in ledger.missing(probe, split, paths, items):
                asked += [(probe, split, p, i) for p in some_paths for i in some_items]
                if measures:
                    shape = (len(some_paths), len(some_items))
                    first = rng.choice([0.1, 1 / 3, np.nan, np.inf, -np.inf, 1e300], shape)
                    second = rng.normal(size=shape)
                    both = {"first": first, "second": second}
                    ledger.add(probe, split, some_paths, some_items, both, N)
                    for r, p in enumerate(some_paths):
                        for c, i in enumerate(some_items):
                            kept[probe, split, p, i] = (first[r, c], second[r, c])
            wanted = {(probe, split, p, i) for p in paths for i in items}
            assert len(asked) == len(set(asked))
            before = wanted - set(asked)
            assert all(pair in kept for pair in before)
            assert all(pair in kept for pair in asked) is (measures or not asked)
        for read in (ledger, Ledger(Path(folder) / "ledger")):
            for (probe, split, p, i), values in kept.items():
                for metric, value in zip(("first", "second"), values, strict=True):
                    got = read.scores(probe, split, metric, [p], [i])
                    assert got.tobytes() == np.float64(value).tobytes()
            for probe, split, paths, items, _ in asks:
                rectangles = read.missing(probe, split, paths, items)
                lacking = {(p, i) for ps, its in rectangles for p in ps for i in its}
                assert lacking == {
                    (p, i) for p in paths for i in items if (probe, split, p, i) not in kept
                }
                if lacking:
                    p, i = next(iter(lacking))
                    with pytest.raises(KeyError):
                        read.scores(probe, split, "first", [p], [i])


def _filled(folder: Path) -> Ledger:
    ledger = Ledger(folder)
    for at in range(3):
        score = np.arange(2 * 6, dtype=float).reshape(2, 6) / 7 + at
        ledger.add("p", "search", PATHS[2 * at : 2 * at + 2], ITEMS, {"m": score}, N)
    return ledger


@pytest.mark.parametrize("how", ["half", "flipped", "foreign"])
def test_a_damaged_part_is_set_aside_and_the_others_trusted(tmp_path: Path, how: str) -> None:
    _filled(tmp_path)
    victim = sorted(tmp_path.glob("*.parquet"))[1]
    data = victim.read_bytes()
    if how == "half":
        victim.write_bytes(data[: len(data) // 2])
    elif how == "flipped":
        victim.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    else:
        victim.write_bytes(b"PAR1 not one of ours PAR1")
    heard = Heard()
    ledger = Ledger(tmp_path, heard)
    assert ledger.missing("p", "search", PATHS[:6], ITEMS) == [(PATHS[2:4], ITEMS)]
    assert len(heard.lines) == 1 and victim.name in heard.lines[0]
    assert [file.name for file in tmp_path.glob("*.damaged")] == [victim.stem + ".damaged"]
    expected = np.arange(12.0).reshape(2, 6) / 7
    assert (ledger.scores("p", "search", "m", PATHS[:2], ITEMS) == expected).all()
    # Told once: the next one to open it has nothing to complain of.
    again = Heard()
    assert Ledger(tmp_path, again).missing("p", "search", PATHS[:4], ITEMS) and not again.lines


_WRITER = """
import sys, numpy as np
from pathlib import Path
from workbench.scan.ledger.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for k in range(10**6):
    ledger.add("p", "search", [(0,) * (k + 1)], [str(i) for i in range(200)],
               {"m": np.full((1, 200), k / 3)}, 1)
    print(k, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    told = [0, *(int(line) for line in writer.stdout if line.strip())]
    writer.wait()
    heard = Heard()
    ledger = Ledger(tmp_path, heard)
    items = [str(i) for i in range(200)]
    # One more than was told may be there: killed between the rename and the print.
    assert len(ledger.paths("p", "search")) - len(told) in (0, 1)
    for k in told:
        assert (ledger.scores("p", "search", "m", [(0,) * (k + 1)], items) == k / 3).all()
    assert not heard.lines


def test_a_full_disk_keeps_nothing_and_says_so(tmp_path: Path, monkeypatch) -> None:
    ledger = _filled(tmp_path)
    before = sorted(tmp_path.iterdir())

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parts, "sync_file", full)
    with pytest.raises(OSError) as raised:
        ledger.add("p", "search", PATHS[6:7], ITEMS, {"m": np.zeros((1, 6))}, N)
    assert is_full(raised.value)
    assert sorted(tmp_path.iterdir()) == before
    assert ledger.missing("p", "search", PATHS[6:7], ITEMS) == [(PATHS[6:7], ITEMS)]


def test_two_writers_share_what_they_measure_and_agree_on_who_was_first(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path), Ledger(tmp_path)
    one.add("p", "search", PATHS[:2], ITEMS, {"m": np.ones((2, 6))}, N)
    assert two.missing("p", "search", PATHS[:3], ITEMS) == [(PATHS[2:3], ITEMS)]
    # Both measured path 2 at once, neither having seen the other.
    blind = Ledger(tmp_path)
    one.add("p", "search", PATHS[2:3], ITEMS, {"m": np.full((1, 6), 3.0)}, N)
    blind.add("p", "search", PATHS[2:4], ITEMS, {"m": np.full((2, 6), 4.0)}, N)
    for ledger in (one, two, blind):
        ledger.refresh()
    read = [
        ledger.scores("p", "search", "m", PATHS[:4], ITEMS).tolist()
        for ledger in (one, two, blind, Ledger(tmp_path))
    ]
    assert read[0] == read[1] == read[2] == read[3]


def test_what_cannot_be_a_measurement_is_refused(tmp_path: Path) -> None:
    ledger = _filled(tmp_path)
    good = {"m": np.zeros((1, 6))}
    for probe, paths, items, scores, n_layers in (
        ("p", PATHS[6:7], ITEMS, {"m": np.zeros((2, 6))}, N),
        ("p", PATHS[6:7], ITEMS, {"other": np.zeros((1, 6))}, N),
        ("p", PATHS[6:7], ITEMS[:5] + ITEMS[:1], good, N),
        ("q", [(0, N)], ITEMS, good, N),
        ("q", [()], ITEMS, good, N),
        ("q", PATHS[6:7], ITEMS, good, N + 1),
    ):
        with pytest.raises(ValueError):
            ledger.add(probe, "search", paths, items, scores, n_layers)
    with pytest.raises(KeyError, match="no metric"):
        ledger.scores("p", "search", "other", PATHS[:1], ITEMS)
    assert len(list(tmp_path.glob("*.parquet"))) == 3


def test_scan_parquet_holds_every_measurement(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    a, b = np.array([[0.5, np.nan], [1.0, 0.0]]), np.array([[1.0, np.nan], [2.0, 3.0]])
    ledger.add("p", "search", PATHS[3:5], ITEMS[:2], {"a": a, "b": b}, N)
    ledger.add("p", "held-out", [(1, 0, 3)], ["h"], {"a": [[0.25]], "b": [[0.0]]}, N)
    ledger.write(tmp_path / "scan.parquet")
    frame = pandas.read_parquet(tmp_path / "scan.parquet")
    assert list(frame.columns) == [
        *("path", "extra_layers", "probe", "split", "item", "metric", "score", "overflow")
    ]
    rows = {
        (parse_layer_map(r.path), r.split, r.item, r.metric): (r.score, r.overflow, r.extra_layers)
        for r in frame.itertuples()
    }
    assert len(frame) == len(rows) == 10
    assert rows[(1, 0, 3), "held-out", "h", "a"] == (0.25, False, -1)
    for row, path in enumerate(PATHS[3:5]):
        assert describe(path) in set(frame["path"])
        for column, item in enumerate(ITEMS[:2]):
            for metric, values in (("a", a), ("b", b)):
                score, overflow, extra = rows[path, "search", item, metric]
                assert extra == len(path) - N
                assert overflow == np.isnan(values[row, column])
                assert (score == values[row, column]) or (overflow and pandas.isna(score))
    # Written in the order of what it holds, not of when it came.
    other = Ledger(tmp_path / "other")
    other.add("p", "held-out", [(1, 0, 3)], ["h"], {"b": [[0.0]], "a": [[0.25]]}, N)
    for row in (1, 0):
        both = {"a": a[row : row + 1], "b": b[row : row + 1]}
        other.add("p", "search", PATHS[3 + row : 4 + row], ITEMS[:2], both, N)
    other.write(tmp_path / "other.parquet")
    assert (tmp_path / "other.parquet").read_bytes() == (tmp_path / "scan.parquet").read_bytes()
    Ledger(tmp_path / "empty").write(tmp_path / "empty.parquet")
    assert pandas.read_parquet(tmp_path / "empty.parquet").empty
