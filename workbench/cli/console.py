"""Where tables go: standard output, as wide as the terminal, and wide enough in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: A pipe has no width; a narrow default would fold names and cut columns.
PIPE_WIDTH = 120


def open_console() -> Console:
    """A console that prints words as they are: no markup, no highlighting, no emoji."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    return console
