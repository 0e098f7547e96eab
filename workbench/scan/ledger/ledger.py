"""Every measurement of a scan, kept: what was measured is never measured again.

The ledger is a folder of part files (:mod:`workbench.scan.ledger.parts`), added to and never
changed, and an index of them in memory. Any number of processes may add at once. A kill leaves
whole parts and perhaps one hidden file, which is not read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.progress import Progress, Silent
from workbench.relayer.path import Path as LayerPath
from workbench.scan.ledger.parts import (
    NAME,
    WRITING,
    Damaged,
    Floats,
    Part,
    read_part,
    write_part,
)

#: A hidden file this old has no writer any more.
_ABANDONED_SECONDS = 3600.0


class Ledger:
    """The measurements in ``folder``, which is made if it is not there.

    Where two processes measured one pair at the same time, the part whose name comes first counts,
    so that everybody reads the same numbers.
    """

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        self.folder = folder
        self._progress = progress or Silent()
        self._tables: dict[tuple[str, str], _Table] = {}
        self._read: set[str] = set()
        self._ranks: list[str] = []
        self.n_layers: int | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".*{WRITING}"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()
        self.refresh()

    def refresh(self) -> None:
        """Read the parts that other processes added. A damaged one is set aside, and told."""
        for name in sorted({file.name for file in self.folder.glob("*.parquet")} - self._read):
            if NAME.fullmatch(name):
                self._load(name)

    def missing(
        self, probe: str, split: str, paths: Iterable[LayerPath], item_ids: Iterable[str]
    ) -> list[tuple[list[LayerPath], list[str]]]:
        """Disjoint rectangles of paths and items that cover just the pairs not measured yet.

        Paths that lack the same items share a rectangle; both keep the order they were asked in.
        """
        self.refresh()
        asked, items = list(dict.fromkeys(paths)), list(dict.fromkeys(item_ids))
        if not asked or not items:
            return []
        table = self._tables.get((probe, split))
        if table is None:
            return [(asked, items)]
        lacking = ~table.known(asked, items)
        # Equal patterns of missing items have equal packed bytes.
        _, first, group = np.unique(
            np.packbits(lacking, axis=1), axis=0, return_index=True, return_inverse=True
        )
        rectangles = []
        for number in np.argsort(first):
            columns = np.flatnonzero(lacking[first[number]])
            if columns.size:
                rows = np.flatnonzero(group.reshape(-1) == number)
                rectangles.append(([asked[row] for row in rows], [items[c] for c in columns]))
        return rectangles

    def add(
        self,
        probe: str,
        split: str,
        paths: Sequence[LayerPath],
        item_ids: Sequence[str],
        scores: Mapping[str, npt.ArrayLike],
        n_layers: int,
    ) -> None:
        """Keep the scores of every pair of ``paths`` and ``item_ids``: on disk when this returns.

        ``scores`` holds, by metric, ``[paths, items]``; NaN where the path overflowed.

        Raises:
            ValueError: a shape, a repeated path or item, a layer outside the model, or metrics or
                a number of layers other than those kept so far.
            OSError: the disk is full or cannot be written to; nothing was kept.
        """
        if not paths or not item_ids:
            return
        part = Part(
            probe,
            split,
            n_layers,
            [tuple(path) for path in paths],
            list(item_ids),
            {metric: np.array(values, dtype=np.float64) for metric, values in scores.items()},
        )
        self._check(part)
        name = write_part(self.folder, self._next(), part)
        self._take(name, part)

    def scores(
        self,
        probe: str,
        split: str,
        metric: str,
        paths: Sequence[LayerPath],
        item_ids: Sequence[str],
    ) -> Floats:
        """The scores kept, ``[paths, items]``; NaN where a path overflowed.

        Raises:
            KeyError: a pair that was not measured, or a metric that the probe does not have.
        """
        table = self._tables.get((probe, split))
        if table is None:
            raise KeyError(f"nothing of {probe} ({split}) is measured")
        return table.scores(metric, paths, item_ids)

    def paths(self, probe: str, split: str) -> list[LayerPath]:
        """The paths of which something is measured, short ones first."""
        table = self._tables.get((probe, split))
        return sorted(table.rows, key=lambda path: (len(path), path)) if table else []

    def write(self, target: Path) -> None:
        """Write all measurements to one Parquet file, a row a path, item and metric.

        Columns: path (canonical layer_map), extra_layers, probe, split, item, metric, score (null
        where the path overflowed), overflow. The rows' order depends on nothing but what they are.
        """
        from workbench.scan.ledger.export import write_table

        write_table(
            target,
            self.n_layers or 0,
            {
                key: (
                    table.rows,
                    table.columns,
                    {m: table.values[m] for m in sorted(table.values)},
                    table.source >= 0,
                )
                for key, table in sorted(self._tables.items())
            },
        )

    def _check(self, part: Part) -> None:
        shape = (len(part.paths), len(part.items))
        if not part.scores or any(values.shape != shape for values in part.scores.values()):
            raise ValueError(f"scores of {part.probe} are not {shape[0]} paths by {shape[1]} items")
        if len(set(part.paths)) < shape[0] or len(set(part.items)) < shape[1]:
            raise ValueError("a path or an item is listed twice")
        if self.n_layers not in (None, part.n_layers):
            raise ValueError(f"a ledger of {self.n_layers} layers, not of {part.n_layers}")
        if any(not path or min(path) < 0 or max(path) >= part.n_layers for path in part.paths):
            raise ValueError(f"a path lies outside the model's {part.n_layers} layers")
        table = self._tables.get((part.probe, part.split))
        if table is not None and set(table.values) != set(part.scores):
            raise ValueError(
                f"{part.probe} has metrics {set(table.values)}, not {set(part.scores)}"
            )

    def _next(self) -> int:
        return max((int(name.split("-", 1)[0]) for name in self._read), default=-1) + 1

    def _load(self, name: str) -> None:
        file = self.folder / name
        try:
            part = read_part(file)
            self._check(part)
        except FileNotFoundError:
            return
        except (Damaged, ValueError) as error:
            with suppress(OSError):
                file.rename(file.with_suffix(".damaged"))
            self._read.add(name)
            self._progress.line(
                f"{file} is set aside as .damaged and what it held is measured again: {error}"
            )
            return
        self._take(name, part)

    def _take(self, name: str, part: Part) -> None:
        self.n_layers = part.n_layers
        self._read.add(name)
        self._ranks.append(name)
        key = (part.probe, part.split)
        if key not in self._tables:
            self._tables[key] = _Table(part.scores)
        self._tables[key].put(part, len(self._ranks) - 1, self._ranks)


class _Table:
    """One probe and split in memory: arrays that grow, and which part each pair came from."""

    def __init__(self, metrics: Iterable[str]) -> None:
        self.rows: dict[LayerPath, int] = {}
        self.columns: dict[str, int] = {}
        self.values: dict[str, Floats] = {metric: np.empty((0, 0)) for metric in metrics}
        self.source: npt.NDArray[np.int32] = np.empty((0, 0), dtype=np.int32)

    def known(self, paths: Sequence[LayerPath], items: Sequence[str]) -> npt.NDArray[np.bool_]:
        """``[paths, items]``: whether the pair is measured."""
        rows = np.array([self.rows.get(path, -1) for path in paths], dtype=np.int64)
        columns = np.array([self.columns.get(item, -1) for item in items], dtype=np.int64)
        inside = (rows >= 0)[:, None] & (columns >= 0)[None, :]
        return inside & (self.source[np.ix_(rows, columns)] >= 0)

    def scores(self, metric: str, paths: Sequence[LayerPath], items: Sequence[str]) -> Floats:
        if metric not in self.values:
            raise KeyError(f"no metric {metric!r}, only {sorted(self.values)}")
        known = self.known(paths, items)
        if not known.all():
            row, column = np.argwhere(~known)[0]
            raise KeyError(f"path {paths[row]} is not measured on item {items[column]!r}")
        rows = [self.rows[path] for path in paths]
        columns = [self.columns[item] for item in items]
        return self.values[metric][np.ix_(rows, columns)]

    def put(self, part: Part, number: int, names: Sequence[str]) -> None:
        """Take a part in; pairs that an earlier name measured already stay as they are."""
        for path in part.paths:
            self.rows.setdefault(path, len(self.rows))
        for item in part.items:
            self.columns.setdefault(item, len(self.columns))
        self._grow()
        where = np.ix_(
            [self.rows[path] for path in part.paths], [self.columns[item] for item in part.items]
        )
        held = self.source[where]
        later = [n for n in np.unique(held) if n >= 0 and names[n] > names[number]]
        fresh = (held < 0) | np.isin(held, later)
        self.source[where] = np.where(fresh, number, held)
        for metric, values in self.values.items():
            values[where] = np.where(fresh, part.scores[metric], values[where])

    def _grow(self) -> None:
        have, need = self.source.shape, (len(self.rows), len(self.columns))
        if have[0] >= need[0] and have[1] >= need[1]:
            return
        # Doubling: a path added at a time costs no copy of the whole each time.
        shape = tuple(h if h >= n else max(n, 2 * h) for h, n in zip(have, need, strict=True))
        corner = (slice(have[0]), slice(have[1]))
        source = np.full(shape, -1, dtype=np.int32)
        source[corner] = self.source
        self.source = source
        for metric, old in self.values.items():
            new = np.full(shape, np.nan)
            new[corner] = old
            self.values[metric] = new
