"""Finding and making the folders of outputs and evaluations."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import step_failed
from workbench.store.seal import seal, sync_file, verify

OUTPUT_MANIFEST = "output.json"
EVALUATION_MANIFEST = "sealed.json"
FINDING_MANIFEST = "sealed.json"

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")


@dataclass(frozen=True)
class Stored:
    """A whole, sealed folder and its manifest."""

    folder: Path
    facts: dict[str, Any]


class Shelf:
    """Sealed folders ``NAME-KEY`` side by side, each written beside and renamed into place."""

    def __init__(self, root: Path, manifest: str) -> None:
        self.root = root
        self.manifest = manifest

    def folder(self, name: str, key: str) -> Path:
        """Where the output of that name and key is, or will be."""
        label = f"{name}-{key}"
        if not SAFE_NAME.fullmatch(label):
            raise ValueError(f"not a folder name: {label!r}")
        return self.root / label

    def find(self, name: str, key: str) -> Stored | None:
        """The folder if it is there, with every file checked against its sha256.

        Raises:
            StepFailed: it is there and damaged; the message names the file.
        """
        folder = self.folder(name, key)
        if not (folder / self.manifest).exists():
            return None
        return Stored(folder, verify(folder, self.manifest))

    def make(self, name: str, key: str, fill: Callable[[Path], Mapping[str, Any]]) -> Stored:
        """Call ``fill`` with an empty folder, seal what it wrote with the facts it returns, rename.

        Whatever stops ``fill``, nothing is left under the final name.
        """
        target = self.folder(name, key)
        beside = self.root / f".making-{target.name}"
        if target.exists():
            raise step_failed(
                f"{target} is there without its {self.manifest}",
                "it is not an output that the workbench finished",
                "move the folder away and run the same command again",
            )
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            facts = seal(beside, self.manifest, fill(beside))
            sync_file(beside)
            beside.rename(target)
            sync_file(self.root)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        return Stored(target, facts)
