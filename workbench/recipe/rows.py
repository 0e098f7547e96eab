"""How many tokens a fine-tune will see, guessed from the size of its data files."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.finetune.config import FinetuneConfig

#: Characters a token: about 3.5 for a vocabulary of tens of thousands, one for the character
#: vocabularies of the tiny bases.
CHARACTERS = 3.5
SMALL_VOCABULARY = 2000
#: Of a text file, so many bytes are read to learn how long a row is.
SAMPLE = 1_000_000
PARSED = 500


def tokens_of(config: FinetuneConfig, vocabulary: int) -> tuple[float | None, float]:
    """Tokens of the whole training and of one row; ``None`` where the data are not here."""
    rows, size = 0.0, 0.0
    for dataset in config.datasets:
        counted = _count(Path(dataset.path).expanduser())
        if counted is None:
            rows = 0.0
            break
        rows += counted[0]
        size += counted[1]
    each = 1.0 if vocabulary < SMALL_VOCABULARY else CHARACTERS
    row = min(float(config.sequence_len), size / rows / each) if rows else config.sequence_len
    if config.sample_packing:
        row = float(config.sequence_len)
    batch = config.micro_batch_size * config.gradient_accumulation_steps
    if config.max_steps is not None:
        return config.max_steps * batch * row, row
    if not rows:
        return None, row
    whole = size / each if config.sample_packing else rows * row
    return config.num_epochs * whole, row


def _count(path: Path) -> tuple[float, float] | None:
    """Rows and characters of a data file, from its first part; ``None`` where it is not here."""
    try:
        size = path.stat().st_size
        if path.suffix.lower() == ".parquet":
            return _parquet(path)
        with path.open("rb") as file:
            head = file.read(SAMPLE)
    except (OSError, ValueError):
        return None
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _jsonl(head, size)
    lines = head.count(b"\n") or 1
    if path.suffix.lower() == ".json":
        lines = max(1, head.count(b"{"))
    return max(1.0, lines * size / max(1, len(head))), float(size)


def _jsonl(head: bytes, size: int) -> tuple[float, float]:
    """Rows by the length of a line; characters by the texts in the first lines."""
    lines = head.split(b"\n")[:PARSED]
    texts = sum(map(_text_length, lines))
    each = sum(map(len, lines)) / len(lines) + 1
    rows = max(1.0, size / each)
    return rows, rows * max(1.0, texts / len(lines))


def _text_length(line: bytes) -> int:
    try:
        ahead = [json.loads(line)]
    except (ValueError, RecursionError):
        return 0
    length = 0
    while ahead:
        value = ahead.pop()
        if isinstance(value, str):
            length += len(value)
        elif isinstance(value, dict):
            ahead += value.values()
        elif isinstance(value, list):
            ahead += value
    return length


def _parquet(path: Path) -> tuple[float, float] | None:
    import pyarrow.parquet

    meta = pyarrow.parquet.read_metadata(path)
    groups = range(meta.num_row_groups)
    size = sum(meta.row_group(i).total_byte_size for i in groups)
    return (float(meta.num_rows), float(size)) if meta.num_rows else None
