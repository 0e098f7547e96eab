"""``workbench run RECIPE``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption, RecipeArgument, SetOption


def run(recipe: RecipeArgument, home: HomeOption = DEFAULT_HOME, sets: SetOption = None) -> None:
    """Make every output of a recipe and score each beside its parents.

    What is there already is kept. Killed or interrupted, the same command goes on.
    """
    from workbench.cli.console import open_console
    from workbench.cli.failure import tell_problems
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.engine.run import run_recipe
    from workbench.report.page import write_report
    from workbench.report.scan_png import write_run_pngs
    from workbench.report.table import results_table
    from workbench.store.home import Home

    quiet()
    command = shlex.join(["workbench", *sys.argv[1:]])
    outcome = run_recipe(
        recipe, Home(home), sets=sets or (), open_progress=open_progress, command=command
    )
    report = outcome.folder / "report.html"
    if not outcome.did_nothing:
        write_report(outcome.folder)
        write_run_pngs(outcome.folder)
    console = open_console()
    if outcome.results["suite"] is None:
        console.print("nothing was scored: the recipe says evaluate: null")
    else:
        console.print(results_table(outcome.results))
    if outcome.did_nothing:
        console.print("everything was there already: nothing was made, nothing was scored again")
    console.print(f"report: {_shown(report)}", soft_wrap=True)
    if outcome.problems:
        tell_problems(outcome.problems)
        raise typer.Exit(1)


def _shown(path: Path) -> str:
    """Relative to the working folder where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
