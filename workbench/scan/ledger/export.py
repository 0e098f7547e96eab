"""scan.parquet: every measurement of a scan in one table, for people and their notebooks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.relayer.path import Path as LayerPath
from workbench.relayer.path import describe
from workbench.scan.ledger.parts import WRITING, Floats
from workbench.store.seal import sync_file

#: By (probe, split): path -> row, item -> column, scores by metric, and which pairs are measured.
Tables = Mapping[
    tuple[str, str],
    tuple[dict[LayerPath, int], dict[str, int], dict[str, Floats], npt.NDArray[np.bool_]],
]

#: Rows of the file that are held in memory at once.
_ROWS = 1 << 20


def write_table(target: Path, n_layers: int, tables: Tables) -> None:
    """Write ``target`` beside and rename it into place.

    Raises:
        OSError: the disk is full or cannot be written to; an older ``target`` is still whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    word = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        {
            "path": word,
            "extra_layers": pa.int32(),
            "probe": word,
            "split": word,
            "item": word,
            "metric": word,
            "score": pa.float64(),
            "overflow": pa.bool_(),
        }
    )
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}{WRITING}")
    try:
        with parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
            for (probe, split), table in tables.items():
                for columns in _chunks(probe, split, n_layers, *table):
                    writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        sync_file(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _chunks(
    probe: str,
    split: str,
    n_layers: int,
    rows: dict[LayerPath, int],
    columns: dict[str, int],
    values: dict[str, Floats],
    known: npt.NDArray[np.bool_],
) -> Iterator[list[Any]]:
    """The file's columns for some paths at a time, in the order of the schema."""
    import pyarrow as pa

    paths = sorted(rows, key=lambda path: (len(path), path))
    items = sorted(columns)
    order = [columns[item] for item in items]
    step = max(1, _ROWS // max(1, len(items) * len(values)))
    for start in range(0, len(paths), step):
        chunk = paths[start : start + step]
        where = np.ix_([rows[path] for path in chunk], order)
        scores = np.stack([kept[where] for kept in values.values()], axis=2)
        measured = np.broadcast_to(known[where][:, :, None], scores.shape).ravel()
        path, item, metric = (
            index.ravel()[measured] for index in np.indices(scores.shape, dtype=np.int32)
        )
        score = scores.ravel()[measured]
        overflow = np.isnan(score)
        extra = np.array([len(path) - n_layers for path in chunk], dtype=np.int32)
        same = np.zeros(len(score), dtype=np.int32)
        yield [
            _words(path, [describe(path) for path in chunk]),
            pa.array(extra[path]),
            _words(same, [probe]),
            _words(same, [split]),
            _words(item, items),
            _words(metric, list(values)),
            pa.array(score, mask=overflow),
            pa.array(overflow),
        ]


def _words(index: npt.NDArray[np.int32], words: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(words, pa.string()))
