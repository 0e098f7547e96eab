"""``workbench leaderboard FILE``: what a leaderboard's own table says, and what it does not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption

#: The three outcomes in the order in which they are told.
OUTCOMES = {
    "final": "final score",
    "gain_base": "gain over base",
    "gain_instruct": "gain over instruct",
}


def leaderboard(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The leaderboard's export, CSV or Parquet."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where results.json and report.html go."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all resampling.")] = 0,
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry",
            metavar="NAME",
            help="A model to set against its parent; may be given several times.",
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read a leaderboard's table, and say whether it supports "Chinese bases fine-tune best".

    Three answers, on final score, on gain over the raw base and on gain over the maker's own
    instruct model, each with its interval; the page holds what they rest on.
    """
    import os

    # Matrices here are small: threads that wait for each other take three times as long as one.
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    from workbench.cli.failure import tell_problems
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.engine.leaderboard import analyse_file
    from workbench.report.leaderboard_page import write_leaderboard_page
    from workbench.store.home import Home

    quiet()
    asked = [part for name in entry or [] for part in ("--entry", name)]
    results, folder, notices = analyse_file(
        file,
        Home(home),
        out=out,
        seed=seed,
        entries=entry or [],
        # The page may be passed on: it need not tell where on this machine the table was.
        command=shlex.join(["workbench", "leaderboard", file.name, "--seed", str(seed), *asked]),
        progress=open_progress(),
    )
    report = write_leaderboard_page(results, folder)
    if as_json:
        typer.echo(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        _print(results, folder, report)
    tell_problems(notices, "notice")


def _print(results: dict[str, Any], folder: Path, report: Path) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.cli.console import open_console
    from workbench.report import numbers
    from workbench.terminal import printable

    console = open_console()
    answers = results["answer"]
    for outcome, words in OUTCOMES.items():
        said = answers[outcome]
        line = Text(f"On {words}: {said['verdict']}. ", style="bold")
        line.append(Text(printable(said["sentence"]), style="not bold"))
        console.print(line)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("Chinese bases against others", overflow="fold")
    for head in ("points", "95% interval", "entries", "bases", "families"):
        table.add_column(head, justify="right")
    for outcome, words in OUTCOMES.items():
        said = answers[outcome]
        low, high = (numbers.points(end, sign=True) for end in said["ci95"] or (None, None))
        table.add_row(
            words,
            numbers.points(said["value"], sign=True),
            f"{low} to {high}",
            *(numbers.count(said[key]) for key in ("n", "bases", "families")),
        )
    console.print(table)
    console.print(f"results: {folder / 'results.json'}", soft_wrap=True)
    console.print(f"report: {report}", soft_wrap=True)
