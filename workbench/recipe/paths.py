"""Relative paths in a recipe: from the working folder first, then from the recipe's own folder.

So ``recipes/data/sums.jsonl`` in ``recipes/quickstart.yaml`` is found from the checkout, and from
anywhere else too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
