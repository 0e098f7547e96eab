"""``results.json`` of a leaderboard, read so that every number knows where it is from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

Ends = tuple[float | None, float | None]


class Node:
    """A place in the file: what stands there and its JSON pointer, as in ``/answer/final/value``.

    What is missing is an empty node, never an error: the page shows what there is. Further places
    are reached by name (``node.answer``), or by key where the key is one of the names below.
    """

    __slots__ = ("path", "raw")

    def __init__(self, raw: Any, path: str = "") -> None:
        self.raw = raw
        self.path = path

    def __getitem__(self, key: str | int) -> Node:
        # RFC 6901: models' names, which are keys at times, hold slashes.
        below = f"{self.path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(key, int):
            known = isinstance(self.raw, list | tuple) and -1 < key < len(self.raw)
        else:
            known = isinstance(self.raw, Mapping) and key in self.raw
        return Node(self.raw[key] if known else None, below)

    def __getattr__(self, name: str) -> Node:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[Node]:
        """The elements of a list; of anything else, none."""
        if isinstance(self.raw, list | tuple):
            yield from (self[index] for index in range(len(self.raw)))

    def __len__(self) -> int:
        return len(self.raw) if isinstance(self.raw, list | tuple | dict | str) else 0

    def __bool__(self) -> bool:
        """Whether anything is there; zero and ``False`` are."""
        return self.raw is not None and self.raw not in ("", [], {}, ())

    def pairs(self) -> list[tuple[str, Node]]:
        """The entries of a mapping; of anything else, none."""
        if not isinstance(self.raw, Mapping):
            return []
        return [(str(key), self[key]) for key in self.raw]

    @property
    def number(self) -> float | None:
        """A finite number, or ``None``."""
        value = self.raw
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) else None

    @property
    def words(self) -> str:
        """A text as it is; anything else is no text."""
        return self.raw if isinstance(self.raw, str) else ""

    @property
    def yes(self) -> bool:
        """Whether ``true`` stands there."""
        return self.raw is True

    @property
    def ends(self) -> Ends:
        """The two finite ends of an interval, or none at all."""
        low, high = self[0].number, self[1].number
        return (None, None) if low is None or high is None else (low, high)
