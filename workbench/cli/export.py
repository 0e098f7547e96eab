"""``workbench export OUTPUT --format hf --to DIR``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import DEFAULT_HOME, HomeOption, TrustOption


class Format(StrEnum):
    """What can be written: ``hf`` is an ordinary transformers checkpoint."""

    hf = "hf"


def export(
    output: Annotated[
        str, typer.Argument(metavar="OUTPUT", help="Name, NAME-KEY or folder of an output.")
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="A folder that is not there yet.")
    ],
    format: Annotated[
        Format, typer.Option("--format", help="hf: safetensors that plain transformers loads.")
    ] = Format.hf,
    trust_remote_code: TrustOption = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write an output as an ordinary checkpoint: adapters folded in, layers written out."""
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.engine.export import export_output
    from workbench.store.home import Home

    quiet()
    record = export_output(
        output, Home(home), to, open_progress(), trust_remote_code=trust_remote_code
    )
    typer.echo(f"written to {to}")
    difference = record["max_logit_difference"]
    if difference is not None:
        typer.echo(f"largest logit difference, adapter against folded in: {difference:.3g}")
