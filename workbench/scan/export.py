"""scan.parquet: every measurement of a scan in one table, for people and their notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.relayer.path import Path as LayerPath
from workbench.relayer.path import describe
from workbench.scan.parts import WRITING, Floats
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
    beside = target.with_name(f".{target.name}{WRITING}")
    try:
        with parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
            for (probe, split), (rows, columns, values, known) in tables.items():
                paths = sorted(rows, key=lambda path: (len(path), path))
                items = sorted(columns)
                step = max(1, _ROWS // max(1, len(items) * len(values)))
                order = [columns[item] for item in items]
                for start in range(0, len(paths), step):
                    chunk = paths[start : start + step]
                    where = np.ix_([rows[path] for path in chunk], order)
                    # [paths, items, metrics], flat: a row each.
                    score = np.stack([kept[where] for kept in values.values()], axis=2)
                    keep = np.broadcast_to(known[where][:, :, None], score.shape).ravel()
                    row, item, metric = (
                        index.ravel()[keep] for index in np.indices(score.shape, dtype=np.int32)
                    )
                    flat = score.ravel()[keep]
                    lengths = np.array([len(path) for path in chunk], dtype=np.int32)
                    same = np.zeros(len(flat), dtype=np.int32)
                    columns_of_text = (
                        (row, [describe(path) for path in chunk]),
                        (same, [probe]),
                        (same, [split]),
                        (item, items),
                        (metric, list(values)),
                    )
                    path_, probe_, split_, item_, metric_ = (
                        pa.DictionaryArray.from_arrays(pa.array(index), pa.array(words))
                        for index, words in columns_of_text
                    )
                    writer.write_table(
                        pa.Table.from_arrays(
                            [
                                path_,
                                pa.array(lengths[row] - n_layers, pa.int32()),
                                probe_,
                                split_,
                                item_,
                                metric_,
                                pa.array(flat, mask=np.isnan(flat)),
                                pa.array(np.isnan(flat)),
                            ],
                            schema=schema,
                        )
                    )
        sync_file(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
