"""Part files of the ledger: one rectangle of paths and items, written once, never changed.

A part is a Parquet file: a row a path, its layers in ``path``, and for every metric a column
``score:METRIC`` with the scores of all items, in the order of the items that the file's metadata
lists. Its name ends in the sha256 of its bytes, so that a half or a changed file is known as such.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.relayer.path import Path as LayerPath
from workbench.store.seal import sync_file

Floats = npt.NDArray[np.float64]

NAME = re.compile(r"(?P<number>\d{6,})-[0-9a-f]{8}-(?P<digest>[0-9a-f]{32})\.parquet")

#: What a file under the writer's hands is called; nothing with this ending is ever read.
WRITING = ".writing"

_META = b"workbench.scan.part"
_COLUMN = "score:"


class Damaged(Exception):
    """A part that is not what was written; the text says how."""


@dataclass(frozen=True)
class Part:
    """All metrics of every pair of ``paths`` and ``items`` on one probe and split.

    ``scores`` holds, by metric, ``[paths, items]``; NaN means measured, and overflowed.
    """

    probe: str
    split: str
    n_layers: int
    paths: Sequence[LayerPath]
    items: Sequence[str]
    scores: dict[str, Floats]


def write_part(folder: Path, number: int, part: Part) -> str:
    """Write ``part`` beside and rename it into place; return its name.

    Whatever stops it, the folder holds the whole part or nothing under a part's name.

    Raises:
        OSError: the disk is full or cannot be written to.
    """
    data = _encode(part)
    digest = hashlib.sha256(data).hexdigest()[:32]
    name = f"{number:06d}-{secrets.token_hex(4)}-{digest}.parquet"
    beside = folder / f".{name}{WRITING}"
    try:
        beside.write_bytes(data)
        sync_file(beside)
        beside.replace(folder / name)
    finally:
        beside.unlink(missing_ok=True)
    sync_file(folder)
    return name


def read_part(file: Path) -> Part:
    """Read a part back, bit for bit.

    Raises:
        Damaged: its bytes are not those that its name vouches for, or it is no part.
        FileNotFoundError: it is gone.
    """
    match = NAME.fullmatch(file.name)
    data = file.read_bytes()
    if match is None or hashlib.sha256(data).hexdigest()[:32] != match["digest"]:
        raise Damaged("its bytes do not have the checksum in its name")
    try:
        return _decode(data)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"it is not a part of a scan ({error})") from error


def _encode(part: Part) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    facts = {
        "probe": part.probe,
        "split": part.split,
        "n_layers": part.n_layers,
        "items": list(part.items),
    }
    columns: dict[str, Any] = {"path": pa.array(part.paths, pa.list_(pa.uint16()))}
    for metric, scores in part.scores.items():
        flat = pa.array(np.ascontiguousarray(scores, dtype=np.float64).ravel(), from_pandas=False)
        columns[_COLUMN + metric] = pa.FixedSizeListArray.from_arrays(flat, len(part.items))
    table = pa.table(columns).replace_schema_metadata({_META: json.dumps(facts)})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _decode(data: bytes) -> Part:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = parquet.read_table(pa.BufferReader(data)).combine_chunks()
    facts = json.loads(table.schema.metadata[_META])
    lists = table.column("path").combine_chunks()
    ends = lists.offsets.to_pylist()
    layers = lists.values.to_pylist()
    paths = [tuple(layers[a:b]) for a, b in itertools.pairwise(ends)]
    scores = {}
    for name in table.column_names:
        if name.startswith(_COLUMN):
            values = table.column(name).combine_chunks().flatten()
            scores[name.removeprefix(_COLUMN)] = (
                values.to_numpy(zero_copy_only=False)
                .astype(np.float64, copy=False)
                .reshape(len(paths), len(facts["items"]))
            )
    return Part(
        str(facts["probe"]),
        str(facts["split"]),
        int(facts["n_layers"]),
        paths,
        facts["items"],
        scores,
    )
