"""How a failure is told: text and an exit code, never a traceback on the screen."""

from __future__ import annotations

import errno
import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import typer

from workbench.errors import Problem, WorkbenchError
from workbench.terminal import printable

INTERRUPTED = 130

#: What the operating system refuses, and what a person can do about it.
_OS_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space, or choose another place with --home"),
    errno.EDQUOT: ("your disk quota is used up", "free some space, or use another --home"),
    errno.EROFS: ("the file system is read-only", "choose a place you can write to with --home"),
    errno.EACCES: ("permission was denied", "choose a place you can write to with --home"),
}


#: More problems than this are counted, not shown.
LISTED = 50
_STYLES = {"error": "bold red", "warning": "bold yellow"}


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with every failure told and turned into ``typer.Exit``."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort, SystemExit):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(tell_interrupt()) from None
        except WorkbenchError as error:
            tell_problems(error.problems)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except Exception as error:
            tell_unexpected(error)
            raise typer.Exit(1) from None

    return call


def tell_problems(problems: Sequence[Problem], label: str = "error") -> None:
    """Prints each problem on standard error: the place and the fact, then cause and remedy."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    for problem in problems[:LISTED]:
        text = Text(f"{label}: ", style=_STYLES.get(label, "bold"))
        if problem.where:
            text.append(f"{printable(str(problem.where))}: ", style="bold")
        text.append(printable(problem.fact), style="default")
        for word, words in (("why", problem.cause), ("fix", problem.remedy)):
            if words:
                text.append(f"\n  {word}: ", style="dim")
                text.append(printable(words), style="not bold default")
        console.print(text, soft_wrap=True)
    if len(problems) > 1 and label == "error":
        console.print(f"{len(problems)} problems", style="bold")


def tell_interrupt() -> int:
    """Says that the work is kept; returns the exit code of an interrupt."""
    # An interrupt that went through exec of a text, as in a library that makes its classes so,
    # leaves a mark in Python 3.11: at exit it would kill itself by SIGINT, whatever the exit code
    # (run_eval_code_obj in pythonrun.c). The next exec of a text takes the mark away.
    exec("")
    print("\ninterrupted: the same command goes on from there", file=sys.stderr)
    return INTERRUPTED


def tell_unexpected(error: Exception) -> None:
    """Says in a few lines what broke, and keeps the full traceback in a file."""
    if isinstance(error, OSError) and error.errno in _OS_REMEDIES:
        cause, remedy = _OS_REMEDIES[error.errno]
        place = f" ({error.filename})" if error.filename else ""
        tell_problems((Problem(f"cannot write{place}: {error.strerror}", cause, remedy),))
        return
    words = str(error).strip().split("\n")[0][:500]
    fact = f"{type(error).__name__}: {words}" if words else type(error).__name__
    trace = "".join(traceback.format_exception(error))
    try:
        handle, name = tempfile.mkstemp(prefix="workbench-traceback-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
    except OSError:
        print(trace, file=sys.stderr)
        name = "printed above"
    tell_problems(
        (
            Problem(
                f"something failed that should not: {fact}",
                "this is a fault of the workbench or of a library it uses",
                f"the full traceback is in {name}; please report it with the recipe",
            ),
        )
    )
