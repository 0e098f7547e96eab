"""Writing a stored output where a person wants it, as an ordinary checkpoint."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from workbench.engine.find import find_output
from workbench.engine.lineage import spec_of_folder
from workbench.errors import step_failed, user_error
from workbench.progress import Progress
from workbench.store.home import Home


def export_output(
    given: str, home: Home, to: Path, progress: Progress, *, trust_remote_code: bool = False
) -> dict[str, Any]:
    """Write the output ``given`` to the new folder ``to``; all of it or nothing.

    Raises:
        UserError: there is no such output, or ``to`` is there already.
        StepFailed: the disk is full, or what was written does not give the same logits.
    """
    folder = find_output(given, home)
    to = to.expanduser().absolute()
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise user_error(
            f"{to} is there already", "an export never overwrites", "name a new folder"
        )
    spec = spec_of_folder(folder, trusted=None if trust_remote_code else ())
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}-"))
    except OSError as error:
        raise user_error(
            f"cannot write to {to.parent}", str(error.strerror), "name another folder with --to"
        ) from error

    from workbench.engine.materialise import materialise
    from workbench.engine.realise import Loaded

    try:
        progress.line(f"{folder.name}: writing it out")
        record = materialise(spec, beside, Loaded())
        shutil.copyfile(folder / "README.md", beside / "README.md")
        # mkdtemp makes private folders; an export is as readable as anything else the user makes.
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o777 & ~umask)
        beside.replace(to)
    except OSError as error:
        raise step_failed(
            f"writing {to} failed: {error.strerror}",
            str(error),
            "free some space or name another folder, then run the same command",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return record
