"""``workbench scan MODEL``: measure the layer paths of one model, and judge the best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import (
    DEFAULT_HOME,
    DTypeOption,
    EightBitOption,
    FourBitOption,
    HomeOption,
    RevisionOption,
    TrustOption,
)

if TYPE_CHECKING:
    from workbench.scan.config import ScanConfig


def scan(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A hub id, a local folder, tiny/NAME, or an output's name or folder.",
        ),
    ],
    probe: Annotated[
        list[str] | None,
        typer.Option(
            "--probe",
            metavar="NAME[,OPTION=VALUE…]",
            help="A name in evals/probes, a .py file or task:NAME; may be given several times.",
        ),
    ] = None,
    items: Annotated[int, typer.Option("--items", min=2, help="Search items a probe.")] = 64,
    held_out: Annotated[
        int, typer.Option("--held-out", min=0, help="Other items that judge the winners.")
    ] = 256,
    max_extra: Annotated[
        int | None, typer.Option("--max-extra", min=1, help="Longest block, in layers.")
    ] = None,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Also every single layer run 2 to 8 times.")
    ] = False,
    beam: Annotated[bool, typer.Option("--beam", help="Also paths of several blocks.")] = False,
    surrogate: Annotated[
        bool, typer.Option("--surrogate", help="Also the best of a million ranked by a surrogate.")
    ] = False,
    racing: Annotated[
        bool, typer.Option("--racing", help="Drop hopeless paths early; the map gets holes.")
    ] = False,
    winners: Annotated[
        int, typer.Option("--winners", min=1, help="How many paths are measured again.")
    ] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of items and searches.")] = 0,
    chat: Annotated[
        bool, typer.Option("--chat/--no-chat", help="Ask through the model's chat template.")
    ] = True,
    anatomy: Annotated[
        bool, typer.Option("--anatomy/--no-anatomy", help="Also per-layer figures.")
    ] = True,
    memory_gib: Annotated[
        float, typer.Option("--memory-gib", min=0.001, max=1e6, help="Memory beside the weights.")
    ] = 4.0,
    streamed: Annotated[
        bool, typer.Option("--streamed", help="Read the layers from disk one at a time.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes that share the work.")
    ] = 1,
    dtype: DTypeOption = None,
    load_in_4bit: FourBitOption = False,
    load_in_8bit: EightBitOption = False,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = False,
    home: HomeOption = DEFAULT_HOME,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where report, tables and pictures go."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure the layer paths of one model on probes, and re-measure the best on other items.

    Killed or interrupted, the same command goes on.
    """
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.cli.specs import named_model
    from workbench.engine.scan import scan_model
    from workbench.report.scan_page import write_scan_page
    from workbench.report.scan_png import write_pngs
    from workbench.store.home import Home

    quiet()
    config = _config(
        probe or ["math-guess", "emotion"],
        {"items": items, "held_out": held_out},
        {
            "model": model,
            "search": {
                "blocks": {"max_extra": max_extra},
                "repeats": {} if repeats else None,
                "beam": {} if beam else None,
                "surrogate": {} if surrogate else None,
            },
            "racing": {} if racing else None,
            "winners": winners,
            "seed": seed,
            "chat": chat,
            "anatomy": anatomy,
            "memory_gib": memory_gib,
            "streamed": streamed,
            "workers": workers,
        },
    )
    loading = {
        "dtype": dtype,
        "revision": revision,
        "load_in_4bit": load_in_4bit,
        "load_in_8bit": load_in_8bit,
    }
    spec = named_model(model, home, loading, trust_remote_code)
    result, folder = scan_model(config, spec, model, Home(home), out=out, progress=open_progress())
    write_scan_page(result, folder)
    write_pngs(result, folder)
    if as_json:
        typer.echo(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        _print(result, folder)


def _config(probes: list[str], counts: dict[str, int], fields: dict[str, Any]) -> ScanConfig:
    """The same config that a recipe's block gives, from options.

    Raises:
        UserError: a probe is wrong, or the options do not go together.
    """
    from pydantic import ValidationError

    from workbench.cli.specs import option_problems
    from workbench.errors import UserError
    from workbench.scan.config import ScanConfig
    from workbench.scan.probes.probe import check_probe

    listed = []
    for text in probes:
        name, *pairs = text.split(",")
        options = {key: _value(value) for key, _, value in (pair.partition("=") for pair in pairs)}
        listed.append({"name": name, "options": options, "label": text if options else None})
    try:
        config = ScanConfig.model_validate(
            {**fields, "probes": [{**each, **counts} for each in listed]}
        )
    except ValidationError as error:
        raise option_problems(error) from None
    problems = [p for each in config.probes for p in check_probe(each.name, each.options, None)]
    if problems:
        raise UserError(problems)
    return config


def _value(text: str) -> Any:
    """A number, ``true``, ``false`` or ``null`` as such, anything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print(result: dict[str, Any], folder: Path) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.cli.console import open_console
    from workbench.terminal import printable

    console = open_console()
    console.print(Text(printable(result["verdict"]["sentence"]), style="bold"))
    if result["verdict"].get("reason"):
        console.print(Text(printable(result["verdict"]["reason"])))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("path", "extra", "search gain", "95%", "held-out gain", "95%", "confirmed"):
        table.add_column(head, justify="left" if head == "path" else "right", overflow="fold")
    for winner in result["winners"]:
        held = winner.get("combined") or {}
        table.add_row(
            Text(printable(winner["path"])),
            str(winner["extra"]),
            _number(winner["search_gain"]),
            _interval(winner["search_ci95"]),
            _number(held.get("gain")),
            _interval(held.get("ci95")),
            "yes" if winner["confirmed"] else "no",
        )
    if result["winners"]:
        console.print(table)
        console.print("gains over the base, in SDs of the map", style="dim")
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def _interval(ends: list[float] | None) -> str:
    return "" if not ends or None in ends else f"{ends[0]:+.3f} to {ends[1]:+.3f}"
