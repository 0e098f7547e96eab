"""How progress is drawn: bars with the time left on a terminal, sparse lines in a pipe or a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.progress import Progress, Tick
from workbench.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

#: Seconds between two lines of one bar where lines cannot be redrawn.
LINE_INTERVAL = 10.0


def open_progress(log: Path | None = None, console: Console | None = None) -> Progress:
    """Progress on standard error, drawn as fits it; with ``log``, also appended to that file."""
    from rich.console import Console

    console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
    shown: Progress
    if console.is_terminal and not console.is_dumb_terminal:
        shown = BarProgress(console)
    else:
        shown = LineProgress(lambda text: console.print(text, soft_wrap=True, markup=False))
    return shown if log is None else BothProgress(shown, LineProgress(_appender(log)))


def duration(seconds: float) -> str:
    """Seconds in the two units that matter: ``45s``, ``3m 20s``, ``2h 05m``, ``3d 04h``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


class BarProgress:
    """Bars that redraw themselves, one under the other while several are open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: RichProgress | None = None
        self._open = 0

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        live = self._start()
        task = live.add_task(printable(label), total=total, note="")

        def tick(advance: int = 1, note: str = "") -> None:
            live.update(task, advance=advance)
            if note:
                live.update(task, note=printable(note))

        try:
            yield tick
        finally:
            live.stop_task(task)
            self._finish()

    def line(self, text: str) -> None:
        console = self._live.console if self._live else self._console
        console.print(printable(text), markup=False, soft_wrap=True)

    def _start(self) -> RichProgress:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        if self._live is None:
            self._live = RichProgress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
            )
            self._live.start()
        self._open += 1
        return self._live

    def _finish(self) -> None:
        self._open -= 1
        if not self._open and self._live is not None:
            self._live.stop()
            self._live = None


class LineProgress:
    """A line when a bar opens, at most one every :data:`LINE_INTERVAL` seconds, one at its end."""

    def __init__(
        self,
        write: Callable[[str], None],
        interval: float = LINE_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._interval = interval
        self._clock = clock

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        label = printable(label)
        start = last = self._clock()
        done = 0
        remark = ""
        self._write(f"{label}: 0/{total}")

        def tick(advance: int = 1, note: str = "") -> None:
            nonlocal done, last, remark
            done += advance
            remark = printable(note) or remark
            now = self._clock()
            if now - last < self._interval or done >= total:
                return
            last = now
            left = duration((now - start) / done * (total - done)) if done else "?"
            self._write(f"{label}: {done}/{total}, {left} left" + (f", {remark}" if remark else ""))

        yield tick
        self._write(
            f"{label}: {done}/{total} in {duration(self._clock() - start)}"
            + (f", {remark}" if remark else "")
        )

    def line(self, text: str) -> None:
        self._write(printable(text))


class BothProgress:
    """Reports to two places."""

    def __init__(self, first: Progress, second: Progress) -> None:
        self._both = (first, second)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        with ExitStack() as stack:
            ticks = [stack.enter_context(each.bar(label, total)) for each in self._both]

            def tick(advance: int = 1, note: str = "") -> None:
                for each in ticks:
                    each(advance, note)

            yield tick

    def line(self, text: str) -> None:
        for each in self._both:
            each.line(text)


def _appender(log: Path) -> Callable[[str], None]:
    def append(text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{stamp} {text}\n")

    return append
