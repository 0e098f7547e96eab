"""The word and sentence tables of nltk that IFEval's checkers read: who needs them, are they there.

lm-eval's module fetches them when it is imported, without a time limit and with words on stdout, so
they are looked for before that and fetched like a data set.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench.evaluate.task_files import TaskFile

#: What stands for the tables where data sets are named.
PUNKT = "nltk:punkt_tab"


def needs_punkt(file: TaskFile) -> bool:
    """Whether a module beside the task's file names the tables."""
    return any("punkt_tab" in code.read_text(encoding="utf-8") for code in file.code_files())


def punkt_is_there() -> bool:
    """Whether nltk finds the tables, in the places where it looks."""
    kept = Path("tokenizers/punkt_tab")
    return any(
        (place / kept).is_dir() or (place / kept.with_suffix(".zip")).is_file()
        for place in _places()
    )


def _places() -> list[Path]:
    """nltk's own list, from its documentation; once it is imported its own answer counts."""
    if (data := sys.modules.get("nltk.data")) is not None:
        return [Path(str(place)) for place in data.path]
    given = [folder for folder in os.environ.get("NLTK_DATA", "").split(os.pathsep) if folder]
    roots = [Path(sys.prefix) / part for part in ("", "share", "lib")]
    roots += [Path(part) for part in ("/usr/share", "/usr/local/share", "/usr/lib")]
    roots.append(Path("/usr/local/lib"))
    return [
        *(Path(folder).expanduser() for folder in given),
        Path("~/nltk_data").expanduser(),
        *(root / "nltk_data" for root in roots),
    ]
