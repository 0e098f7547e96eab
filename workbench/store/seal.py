"""Sealing a folder: its manifest names the sha256 of every file, and of itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import Problem, StepFailed

_CHUNK = 1 << 22


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def sync_file(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk, so that a power cut keeps it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text_atomically(path: Path, text: str) -> None:
    """Write beside and rename: readers see the old file or the new one, never a half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        beside.write_text(text, encoding="utf-8")
        sync_file(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def seal(folder: Path, manifest: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``folder/manifest``: the facts, and size and sha256 of every other file below.

    Returns what was written. The manifest carries a digest of itself, so that a flipped bit in it
    is found like any other.
    """
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != manifest:
            files[name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
            sync_file(path)
    whole: dict[str, Any] = {**facts, "files": files}
    whole["seal"] = _own_digest(whole)
    write_text_atomically(folder / manifest, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return whole


def read_manifest(folder: Path, manifest: str) -> dict[str, Any]:
    """The manifest of a sealed folder.

    Raises:
        StepFailed: it is unreadable, or its own digest does not fit.
    """
    path = folder / manifest
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        intact = isinstance(facts, dict) and facts.get("seal") == _own_digest(facts)
    except (ValueError, OSError):
        intact = False
    if not intact:
        raise StepFailed(_damaged(folder, manifest, "its own checksum does not fit"))
    return dict(facts)


def verify(folder: Path, manifest: str) -> dict[str, Any]:
    """Read every file of a sealed folder and compare it with the manifest; return the manifest.

    Raises:
        StepFailed: naming each file that is missing, of another size, or of another sha256.
    """
    facts = read_manifest(folder, manifest)
    problems = []
    for name, expected in facts["files"].items():
        path = folder / name
        if not path.is_file():
            problems.append(_damaged(folder, name, "it is missing"))
        elif path.stat().st_size != expected["bytes"]:
            problems.append(
                _damaged(
                    folder,
                    name,
                    f"it has {path.stat().st_size} bytes, and {expected['bytes']} were written",
                )
            )
        elif sha256_of(path) != expected["sha256"]:
            problems.append(_damaged(folder, name, "its sha256 is not the one recorded"))
    if problems:
        raise StepFailed(problems)
    return facts


def _own_digest(facts: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in facts.items() if key != "seal"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(folder: Path, name: str, how: str) -> Problem:
    return Problem(
        f"{folder / name} is damaged: {how}",
        "the file changed after it was written (a disk error, or somebody's edit)",
        f"delete the folder {folder} and run the same command: it is made again",
    )
