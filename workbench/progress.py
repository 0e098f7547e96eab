"""How long work reports that it is alive. Rooms see only this protocol; ``cli`` draws it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Tick(Protocol):
    """Moves one bar on."""

    def __call__(self, advance: int = 1, note: str = "") -> None: ...


class Progress(Protocol):
    """A place to report to: bars for steps with a known length, lines for events."""

    def bar(self, label: str, total: int) -> AbstractContextManager[Tick]:
        """A bar of ``total`` steps while the block lasts, moved on by what it yields."""
        ...

    def line(self, text: str) -> None:
        """One event, told at once."""
        ...


class Silent:
    """Reports nothing: the default where a room is used as a library."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        def tick(advance: int = 1, note: str = "") -> None:
            return None

        yield tick

    def line(self, text: str) -> None:
        return None
