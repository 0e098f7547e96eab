"""``workbench bases [HUB_ID]``: the catalogue of base models, or one of them in full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.bases.catalogue import CatalogueEntry, entries, lookup
from workbench.errors import UserError, user_error
from workbench.likely import did_you_mean

if TYPE_CHECKING:
    from rich.console import RenderableType


def bases(
    hub_id: Annotated[
        str | None,
        typer.Argument(metavar="[HUB_ID]", help="One model in full; without it, the list."),
    ] = None,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this family, as in Qwen2.5.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only labs of this country: CN or China.")
    ] = None,
    lab: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only labs whose name holds this.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only ids, families or licences with this.")
    ] = None,
    kind: Annotated[
        Literal["base", "instruct"] | None, typer.Option(help="Only plain bases, or only instruct.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the base models the workbench knows, with lab, size and licence."""
    if hub_id is not None:
        _show(hub_id, as_json)
        return
    found = [
        entry
        for entry in entries()
        if (kind is None or entry.kind == kind)
        and _is(family, entry.family)
        and (_is(country, entry.lab.country) or _is(country, entry.lab.country_name))
        and _holds(lab, entry.lab.name)
        and _holds(search, entry.hub_id, entry.family, entry.licence.id, *entry.aliases)
    ]
    # The tiny bases are of this project, so any filter on a lab or a country leaves them out.
    narrowed = any(value is not None for value in (family, country, lab, kind))
    tiny = [] if narrowed else [name for name in _tiny_names(search) if _holds(search, name)]
    if not found and not tiny:
        raise _nothing(family, country)
    if as_json:
        rows = [_as_json(entry) for entry in found]
        typer.echo(json.dumps([*({"hub_id": n, "kind": "base"} for n in tiny), *rows], indent=2))
        return
    _print(_table(found, tiny))
    typer.echo(f"{len(found) + len(tiny)} models; workbench bases HUB_ID shows one in full")


def _is(wanted: str | None, value: str) -> bool:
    return wanted is None or wanted.lower() == value.lower()


def _holds(wanted: str | None, *values: str) -> bool:
    return wanted is None or any(wanted.lower() in value.lower() for value in values)


def _tiny_names(search: str | None = "") -> list[str]:
    """All tiny bases; without a search, those alike but for one cause stand for themselves once."""
    from workbench.bases.tiny import cause_names, names

    if search is not None:
        return names()
    return [name for name in names() if name not in cause_names()[1:]]


def _nothing(family: str | None, country: str | None) -> UserError:
    known = entries()
    families = sorted({entry.family for entry in known})
    countries = sorted({entry.lab.country for entry in known})
    if family is not None and not any(_is(family, name) for name in families):
        hint = did_you_mean(family, families, cutoff=0.4)
        return user_error(
            f"no family {family!r} in the catalogue",
            remedy=f"{hint} families: {', '.join(families)}".lstrip(),
        )
    if country is not None and not any(
        _is(country, entry.lab.country) or _is(country, entry.lab.country_name) for entry in known
    ):
        return user_error(
            f"no lab of {country!r} in the catalogue", remedy=f"countries: {', '.join(countries)}"
        )
    return user_error("no catalogued model fits all these filters", remedy="leave one of them out")


def _as_json(entry: CatalogueEntry) -> dict[str, object]:
    return entry.model_dump(mode="json")


def _show(hub_id: str, as_json: bool) -> None:
    entry = lookup(hub_id)
    if entry is None:
        names = [e.hub_id for e in entries()] + _tiny_names()
        if hub_id in names:
            typer.echo(f"{hub_id}: a tiny base made by this project (MIT), for tests and recipes")
            return
        raise user_error(
            f"{hub_id!r} is not in the catalogue",
            "the catalogue lists well-known bases; any other hub id works in a recipe too",
            did_you_mean(hub_id, names, most=3) or "workbench bases lists all there are",
        )
    if as_json:
        typer.echo(json.dumps(_as_json(entry), indent=2))
        return
    _print(_full(entry))


def _table(found: list[CatalogueEntry], tiny: list[str]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    table.add_column("of")
    table.add_column("size", justify="right")
    table.add_column("layers", justify="right")
    table.add_column("since", no_wrap=True)
    table.add_column("licence", overflow="fold")
    for name in tiny:
        table.add_row(name, "", "", "", "", "mit (this project's)")
    for e in found:
        licence = e.licence.id + (" *" if e.licence.carries_on else "")
        row = (e.hub_id, e.lab.country, _size(e), str(e.layers or ""), (e.released or "")[:7])
        table.add_row(*row, licence)
    table.caption = "* binds what is made from it; HUB_ID shows how"
    table.caption_justify = "left"
    return table


def _size(entry: CatalogueEntry) -> str:
    count = entry.parameters
    if count is None:
        return ""
    if count < 999_500_000:
        return f"{count / 1e6:.0f}M"
    return f"{count / 1e9:.1f}B" if count < 10**11 else f"{count / 1e9:.0f}B"


def _full(entry: CatalogueEntry) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in _facts(entry):
        grid.add_row(label, Text(value))
    return grid


def _facts(entry: CatalogueEntry) -> list[tuple[str, str]]:
    """Everything known of a model, a line each; what is not known says so."""

    def known(value: object) -> str:
        if value is None:
            return "not known"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:,}" if isinstance(value, int) else str(value)

    made_from = f" of {entry.base_of_instruct}" if entry.base_of_instruct else ""
    shape, chat = entry.shape, entry.chat
    rows = [
        ("model", entry.hub_id),
        ("also called", ", ".join(entry.aliases)),
        ("kind", entry.kind + made_from),
        ("family", entry.family),
        ("lab", f"{entry.lab.name}, {entry.lab.country_name}"),
        ("", entry.lab.note or ""),
        ("released", known(entry.released)),
        ("parameters", known(entry.parameters) + (" (the lab's figure)" if entry.rounded else "")),
        ("active", known(entry.active_parameters) if entry.active_parameters else ""),
        ("trained on", f"{entry.training_tokens:,g}B tokens" if entry.training_tokens else ""),
        ("architecture", known(entry.architecture)),
        ("remote code", "needs trust_remote_code: true" if entry.remote_code else ""),
        ("gated", "accept its terms on the hub first" if entry.gated else ""),
        ("layers", known(shape.layers)),
        ("hidden size", known(shape.hidden_size)),
        ("MLP size", known(shape.intermediate_size)),
        ("heads", f"{known(shape.heads)}, for keys {known(shape.kv_heads)}"),
        ("vocabulary", known(shape.vocab_size)),
        ("context", known(shape.context_length)),
        ("tied embeddings", known(shape.tied_embeddings)),
        ("chat template", known(chat.template)),
        ("format", known(chat.format)),
        ("system role", known(chat.system_role)),
        ("end of turn", known(chat.end_of_turn)),
        ("", chat.note or ""),
        ("licence", f"{entry.licence.name} <{entry.licence.url}>"),
        ("", "binds what is made from it too" if entry.licence.carries_on else ""),
        *((clause.kind, clause.text) for clause in entry.licence.clauses),
        ("attribution", entry.licence.attribution or ""),
        ("", entry.licence_note or ""),
        ("note", entry.note or ""),
        *(("source", url) for url in entry.sources),
    ]
    return [(label, value) for label, value in rows if value]


def _print(renderable: RenderableType) -> None:
    from workbench.cli.console import open_console

    open_console().print(renderable)
