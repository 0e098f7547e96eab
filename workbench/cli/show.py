"""``workbench show [RUN]``: the results of a run, or the list of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's folder, name or key; without it, the list."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print the scores of a run's outputs and their changes, or list the runs there are."""
    if run is None:
        _list_runs(home, as_json)
        return
    from workbench.report.results import read_json
    from workbench.report.runs import find_run
    from workbench.report.table import results_table

    folder = find_run(home, run)
    results = read_json(folder)
    if as_json:
        typer.echo(json.dumps(results, indent=2))
        return
    _print(results_table(results))
    page = folder / "report.html"
    if page.is_file():
        typer.echo(f"report: {page}")


def _list_runs(home: Path, as_json: bool) -> None:
    from workbench.report.runs import find_runs

    runs = find_runs(home)
    if as_json:
        typer.echo(json.dumps([info.as_json() for info in runs], indent=2))
        return
    if not runs:
        typer.echo(f"no runs in {home / 'runs'}; make one with: workbench run RECIPE")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.terminal import printable

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("run", "key", "when"):
        table.add_column(head, overflow="fold")
    table.add_column("outputs", justify="right")
    table.add_column("path", overflow="fold")
    for info in runs:
        when = info.when[:16].replace("T", " ")
        words = (info.name, info.key, when, str(info.outputs), str(info.path))
        table.add_row(*(Text(printable(word)) for word in words))
    _print(table)


def _print(content: RenderableType) -> None:
    from workbench.cli.console import open_console

    open_console().print(content)
