"""The command line: which verbs there are, and how a failure is told.

Only the verb that was typed is imported, and a verb's file imports its heavy parts inside its
function, so that ``workbench --help`` answers at once. Exit codes: 0 done, 2 the input is wrong,
1 something failed, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

import workbench
from workbench.cli.failure import guarded, tell_interrupt

#: Verb and its one line in the help: ``workbench/cli/VERB.py`` holds ``def VERB(...)``.
VERBS = {
    "run": "Make every output of a recipe and score each beside its parents.",
    "check": "Show what a recipe would make, what it needs, and what is wrong.",
    "show": "Print the results of a run, or list the runs there are.",
    "report": "Write the HTML page of a run again.",
    "eval": "Score one model on a suite.",
    "scan": "Measure every layer path of one model, and judge the best.",
    "leaderboard": "Read a leaderboard's table: do Chinese bases fine-tune best?",
    "study": "Read a before/after table: which group of bases takes the treatment better?",
    "bases": "List the catalogue of base models, with licences.",
    "export": "Write an output as an ordinary checkpoint.",
}


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"workbench {workbench.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fine-tune, relayer and merge language models; re-evaluate every output beside its parents.

    A YAML recipe says what to make. Start with: workbench check RECIPE
    """


def _placeholder() -> None:
    """Stands for a verb that was not typed, so that its help line is listed."""


def _load(verb: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(importlib.import_module(f"workbench.cli.{verb}"), verb)
    return function


def build(typed: str | None) -> typer.Typer:
    """The command line with every verb listed and only ``typed`` imported."""
    app = typer.Typer(
        name="workbench",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for verb, line in VERBS.items():
        function = guarded(_load(verb)) if verb == typed else _placeholder
        app.command(verb, short_help=line)(function)
    return app


def invoke(arguments: Sequence[str]) -> int:
    """Runs one command in this process and returns its exit code."""
    typed = next((a for a in arguments if not a.startswith("-")), None)
    try:
        guarded(lambda: build(typed)(args=list(arguments), prog_name="workbench"))()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except typer.Exit as leaving:
        return leaving.exit_code
    except KeyboardInterrupt:
        return tell_interrupt()
    return 0


def main() -> NoReturn:
    """The entry point of ``workbench`` and ``python -m workbench``."""
    code = invoke(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the pipe has gone; a second complaint at exit would help nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
