"""Progress: bars on a terminal, few lines in a pipe, and a log beside either."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from workbench.cli.progress import LineProgress, duration, open_progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (60, "1m 00s"), (3725, "1h 02m"), (90000, "1d 01h"), (-3, "0s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_come_at_most_once_an_interval_and_say_what_is_left() -> None:
    now = 0.0
    lines: list[str] = []
    progress = LineProgress(lines.append, interval=10, clock=lambda: now)
    with progress.bar("tuned", 100) as tick:
        for step in range(100):
            now += 1
            tick(note=f"loss {step}")
    progress.line("made")
    assert lines[0] == "tuned: 0/100"
    assert lines[1] == "tuned: 10/100, 1m 30s left, loss 9"
    assert lines[-2:] == ["tuned: 100/100 in 1m 40s, loss 99", "made"]
    assert len(lines) == 1 + 9 + 1 + 1


def test_a_pipe_gets_lines_and_the_log_gets_them_too(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = tmp_path / "run.log"
    progress = open_progress(log, Console(file=stream))
    with progress.bar("scoring [bold]x[/bold] \x1b[31m", 2) as tick:
        tick()
        tick(1, "done")
    progress.line("a [red]line[/red]")
    shown = stream.getvalue()
    assert "scoring [bold]x[/bold] \\x1b[31m: 0/2" in shown and "a [red]line[/red]" in shown
    assert "\x1b" not in shown
    kept = log.read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 1)[1] for line in kept] == shown.splitlines()
    assert kept[0][:20].endswith("Z")


def test_a_terminal_gets_bars_that_nest_and_lines_between_them() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, _environ={})
    progress = open_progress(None, console)
    with progress.bar("outputs", 2) as outer:
        with progress.bar("tuned [b]", 3) as inner:
            inner(2, "loss 1.5")
            progress.line("between")
            inner()
        outer(2)
    shown = stream.getvalue()
    assert "3/3" in shown and "2/2" in shown and "between" in shown and "tuned [b]" in shown


def test_a_bar_that_breaks_lets_the_error_through() -> None:
    lines: list[str] = []
    progress = LineProgress(lines.append)
    with pytest.raises(KeyError), progress.bar("x", 3):
        raise KeyError
