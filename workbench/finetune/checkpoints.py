"""Checkpoints that survive a kill: one counts only once its files' hashes stand beside them.

transformers writes a checkpoint file by file, so a killed run leaves a folder that looks like one.
Only a folder with the marker written after its last file is resumed from; any other is removed.
transformers reads optimiser and random states with ``weights_only=True``, which runs no code; its
``training_args.bin``, a full pickle that nothing reads, is deleted.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from workbench.store.seal import sha256_of, write_text_atomically

MARKER = "whole.json"
JOB = "job.json"


def mark_whole(folder: Path) -> None:
    """Write the marker into ``folder`` after everything else is there, in one rename."""
    (folder / "training_args.bin").unlink(missing_ok=True)
    hashes = {str(p.relative_to(folder)): sha256_of(p) for p in _files(folder)}
    write_text_atomically(folder / MARKER, json.dumps(hashes))


def is_whole(folder: Path) -> bool:
    """Whether ``folder`` has its marker and every file is as it was when that was written."""
    try:
        hashes = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return all(sha256_of(folder / name) == digest for name, digest in hashes.items())
    except (OSError, ValueError, AttributeError):
        return False


def last_whole(work: Path) -> Path | None:
    """The newest whole checkpoint in ``work``; half-written ones after it are removed."""
    numbered = [
        (int(number), folder)
        for folder in work.glob("checkpoint-*")
        if (number := folder.name.rpartition("-")[2]).isdigit() and folder.is_dir()
    ]
    for _, folder in sorted(numbered, reverse=True):
        if is_whole(folder):
            return folder
        shutil.rmtree(folder)
    return None


def open_work(work: Path, job: dict[str, object]) -> None:
    """Make ``work`` ready for ``job``; what another job (config, data, seed) left is removed."""
    work.mkdir(parents=True, exist_ok=True)
    text = json.dumps(job, sort_keys=True)
    note = work / JOB
    try:
        same = note.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        same = False
    if not same:
        for folder in work.glob("checkpoint-*"):
            shutil.rmtree(folder)
        write_text_atomically(note, text)


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MARKER)
