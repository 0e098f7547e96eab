"""Where things live: ``home/adapters`` and ``home/runs``."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from workbench.errors import UserError, user_error
from workbench.progress import Progress


class Home:
    """The folder that holds outputs and runs. Nothing is ever written outside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.outputs = self.root / "adapters"
        self.runs = self.root / "runs"
        self.evaluations = self.runs / "evaluations"
        self.findings = self.runs / "findings"
        self.studies = self.runs / "studies"
        self.work = self.outputs / ".work"

    @staticmethod
    def find(given: Path | None) -> Home:
        """``--home``, else ``WORKBENCH_HOME``, else the working folder."""
        return Home(given or Path(os.environ.get("WORKBENCH_HOME") or "."))

    def prepare(self) -> None:
        """Make the folders and try a write.

        Raises:
            UserError: the folder cannot be made or written to.
        """
        try:
            for folder in (self.outputs, self.runs, self.evaluations, self.findings, self.work):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.outputs, self.runs):
                with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-") as file:
                    file.write(b"0")
                    file.flush()
        except OSError as error:
            raise _not_writable(self.root, error) from error

    @contextmanager
    def claim(self, name: str, progress: Progress) -> Iterator[None]:
        """Hold the right to make ``name``; a second process waits here, then finds it made.

        The lock is the kernel's, so a killed process lets go of it.
        """
        path = self.work / f"{name}.lock"
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            progress.line(f"{name}: another process is making it; waiting for that one")
            lock.acquire(timeout=-1)
        try:
            yield
        finally:
            lock.release()


def _not_writable(root: Path, error: OSError) -> UserError:
    causes = {
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "this user may not write there",
        errno.EPERM: "this user may not write there",
        errno.ENOSPC: "the disk is full",
        errno.ENOTDIR: "a part of that path is a file",
        errno.EEXIST: "a part of that path is a file",
    }
    return user_error(
        f"cannot write to the home folder {root}",
        causes.get(error.errno or 0, str(error)),
        "name another folder with --home DIR or WORKBENCH_HOME",
    )
