"""The arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeArgument = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="The YAML file that says what to make.")
]

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="WORKBENCH_HOME",
        metavar="DIR",
        help="Where adapters/ and runs/ are.",
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY.PATH=VALUE",
        help="Change a value of the recipe, as in outputs.tuned.finetune.lora_r=16. Repeatable.",
    ),
]

OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="CARD",
        help="Estimate for other hardware, as in 2xRTX-4090; `list` tells the cards.",
    ),
]

DTypeOption = Annotated[
    str | None, typer.Option("--dtype", help="float32, bfloat16 or float16. For a base.")
]
FourBitOption = Annotated[bool, typer.Option("--load-in-4bit", help="NF4 weights. For a base.")]
EightBitOption = Annotated[bool, typer.Option("--load-in-8bit", help="int8 weights. For a base.")]
RevisionOption = Annotated[
    str | None, typer.Option("--revision", help="Branch, tag or commit of a hub id.")
]

#: What ``--home`` is when neither it nor WORKBENCH_HOME is given.
DEFAULT_HOME = Path()
TrustOption = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run the Python code that its base brings along."),
]
