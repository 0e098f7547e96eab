"""``workbench study --table FILE``: a published before/after table, read as a study."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption


def _column(option: str, says: str) -> Any:
    return typer.Option(option, metavar="COLUMN", help=f"The column that says {says}.")


def study(
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="The before/after table, CSV or Parquet."),
    ] = None,
    asked: Annotated[
        str | None,
        typer.Option(
            "--asked", metavar="VALUE", help="The group asked about, as the table has it."
        ),
    ] = None,
    asked_name: Annotated[
        str | None, typer.Option("--asked-name", metavar="NAME", help="What to call that group.")
    ] = None,
    others_name: Annotated[
        str | None, typer.Option("--others-name", metavar="NAME", help="What to call the others.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="COLUMN=VALUE", help="Read these rows only. Repeatable."),
    ] = None,
    base: Annotated[str | None, _column("--base", "which base was treated")] = None,
    group: Annotated[str | None, _column("--group", "which group the base is in")] = None,
    family: Annotated[str | None, _column("--family", "which bases are akin")] = None,
    task: Annotated[str | None, _column("--task", "what was scored")] = None,
    treatment: Annotated[str | None, _column("--treatment", "what was done to the base")] = None,
    seed_column: Annotated[str | None, _column("--seed-column", "which repetition it was")] = None,
    n: Annotated[str | None, _column("--n", "how many items were scored")] = None,
    before: Annotated[str | None, _column("--before", "the score before")] = None,
    after: Annotated[str | None, _column("--after", "the score after")] = None,
    compute: Annotated[
        str | None, _column("--compute", "log10 of parameters times tokens, both in billions")
    ] = None,
    log_parameters: Annotated[
        str | None, _column("--log-parameters", "the log of parameters in billions")
    ] = None,
    unit: Annotated[
        Literal["share", "percent"] | None,
        typer.Option("--unit", help="What scores are in, where the table does not show it."),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            "--margin", min=0.0001, max=0.5, help="The difference in score that does not matter."
        ),
    ] = 0.03,
    bayesian: Annotated[
        bool, typer.Option("--bayesian", help="Fit a Bayesian model of the gain too: minutes.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all resampling.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where results.json and report.html go."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read a table of scores before and after a treatment, and answer who takes it better.

    Final score, gain, and both at equal compute or start, side by side, with intervals that count
    families; the page holds what they rest on. Columns with usual names are found by themselves. A
    study of your own bases is a recipe with a study: block, which workbench run makes.
    """
    import os

    # Matrices here are small: threads that wait for each other take three times as long as one.
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    from workbench.cli.failure import tell_problems
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.cli.study_print import print_study
    from workbench.engine.study_table import Asked, analyse_table
    from workbench.errors import user_error
    from workbench.report.study_page import write_study_page
    from workbench.store.home import Home

    quiet()
    if table is None:
        raise user_error(
            "no table is given",
            "workbench study reads a table of scores that somebody else measured",
            "give --table FILE; for a recipe with a study: block, workbench run RECIPE",
        )
    given = {
        "base": base, "group": group, "family": family, "task": task, "treatment": treatment,
        "seed": seed_column, "n": n, "before": before, "after": after, "compute": compute,
        "log_parameters": log_parameters,
    }  # fmt: skip
    how = Asked(
        columns={name: header for name, header in given.items() if header is not None},
        asked=asked,
        names=(asked_name, others_name),
        where=where or [],
        unit=unit,
        margin=margin,
        bayesian=bayesian,
        seed=seed,
    )
    results, folder, notices = analyse_table(
        table, how, Home(home), out=out, command=_command(table, how), progress=open_progress()
    )
    report = write_study_page(results, folder)
    if as_json:
        typer.echo(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        print_study(results["study"], folder, report)
    tell_problems(notices, "notice")


def _command(table: Path, how: Any) -> str:
    """What was typed, to type it again: the page need not tell where on this machine it was."""
    from workbench.study.table.columns import option

    words = ["workbench", "study", "--table", table.name]
    for name, value in (
        ("--asked", how.asked),
        ("--asked-name", how.names[0]),
        ("--others-name", how.names[1]),
        ("--unit", how.unit),
    ):
        words += [] if value is None else [name, value]
    words += [part for one in how.where for part in ("--where", one)]
    words += [part for name, header in how.columns.items() for part in (option(name), header)]
    words += ["--bayesian"] if how.bayesian else []
    return shlex.join([*words, "--margin", f"{how.margin:g}", "--seed", str(how.seed)])
