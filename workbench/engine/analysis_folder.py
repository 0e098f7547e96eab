"""The folder of an analysis of a table: found again by its key, written to once."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import user_error
from workbench.store.seal import write_text_atomically

if TYPE_CHECKING:
    from workbench.store.home import Home


def open_folder(out: Path | None, home: Home, name: str) -> Path:
    """``out``, or ``name`` in ``runs/``; made, and known to take files.

    Raises:
        UserError: it cannot be written to, which is found out now and not after the analysis.
    """
    if out is None:
        home.prepare()
        folder = home.runs / name
    else:
        folder = out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-"):
            pass
    except OSError as error:
        raise user_error(
            f"cannot write to {folder}",
            str(error.strerror or error),
            "name another folder with --out DIR",
        ) from error
    return folder


def finished(folder: Path, key: str) -> dict[str, Any] | None:
    """The results that ``folder`` holds, if they are those of ``key``."""
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return results if isinstance(results, dict) and results.get("key") == key else None


def store(results: dict[str, Any], folder: Path) -> None:
    """Write ``results.json``, whole or not at all."""
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text_atomically(folder / "results.json", text)


def key_of(facts: dict[str, Any], rooms: Sequence[str]) -> str:
    """12 hex digits over ``facts`` and the code and data of ``rooms``, folders of the package.

    After a change in any of them a table is analysed anew.
    """
    whole = json.dumps({**facts, "code": _code(rooms)}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _code(rooms: Sequence[str]) -> str:
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for room in rooms:
        for file in sorted((package / room).rglob("*")):
            if file.suffix in (".py", ".yaml"):
                digest.update(file.relative_to(package).as_posix().encode() + b"\0")
                digest.update(file.read_bytes())
    return digest.hexdigest()
