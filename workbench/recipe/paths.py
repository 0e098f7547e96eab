"""Relative paths in a recipe: from the working folder first, then from the recipe's own folder.

So ``recipes/data/sums.jsonl`` in ``recipes/quickstart.yaml`` is found from the checkout, and from
anywhere else too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.bases.config import BaseConfig
from workbench.errors import WorkbenchError

#: How many folders above the recipe's own are looked into.
PARENTS = 3


def candidates(text: str, recipe: Path) -> Iterator[Path]:
    """Where the file or folder ``text`` may be, the most likely place first."""
    path = Path(text).expanduser()
    yield path
    if not path.is_absolute():
        folder = recipe.absolute().parent
        for place in (folder, *list(folder.parents)[:PARENTS]):
            yield place / path


def find_path(text: str, recipe: Path) -> str | None:
    """The first of :func:`candidates` that exists; ``text`` itself where the working folder has it.

    ``None`` where nothing exists by that name, or the name is none that a file could have.
    """
    try:
        for path in candidates(text, recipe):
            if path.exists():
                return str(path)
    except (OSError, ValueError, RuntimeError):
        return None
    return None


def template_text(given: str | None, recipe: Path) -> str | None:
    """A ``chat_template`` with its file read, so that a key depends on what the file says.

    What is no file that holds a template comes back as it is; the checks tell what is wrong.
    """
    if given is None or "{{" in given or "{%" in given:
        return given
    found = find_path(given, recipe)
    if found is None:
        return given
    try:
        text = Path(found).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return found
    return text if "{{" in text or "{%" in text else found


def local_folder(base: BaseConfig) -> Path | None:
    """The folder of a base that is on this machine; nothing is downloaded."""
    from workbench.bases.identity import cached_snapshot, kind_of
    from workbench.bases.tiny import shipped_folder

    try:
        kind = kind_of(base)
    except WorkbenchError:
        return None
    if kind == "tiny":
        return shipped_folder(base.base_model)
    if kind == "local":
        return Path(base.base_model).expanduser()
    return cached_snapshot(base.base_model, base.revision)
