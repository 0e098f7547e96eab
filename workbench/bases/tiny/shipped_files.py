"""The data that the worlds of the tiny bases ship: JSON lines, written anew by a command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def text(rows: Rows) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_files(description: str, files: Mapping[str, Callable[[], Rows]]) -> None:
    """The command of a world: write each of ``files``, paths relative to the repository."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository")
    root = parser.parse_args().root
    for name, rows in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text(rows()), encoding="utf-8")
        print(name)
