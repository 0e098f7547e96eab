"""``workbench report RUN``: the HTML page of a run, written again."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption


def report(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run's folder, name or key; the newest of several."),
    ],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write report.html of a run again, from its results.json and samples.parquet.

    The page is one file, opens offline and sends nothing anywhere.
    """
    from workbench.report.page import write_report
    from workbench.report.runs import find_run
    from workbench.report.scan_png import write_run_pngs

    folder = find_run(home, run)
    typer.echo(write_report(folder))
    for picture in write_run_pngs(folder):
        typer.echo(picture)
