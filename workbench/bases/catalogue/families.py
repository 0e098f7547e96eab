"""Reading the YAML files of this folder: a family a file, and ``licences.yaml`` for all of them.

A family's file states what its models share once; ``sizes`` lists a shape each, with the base and
the instruct models that have it. A size or a model overrides what stands above it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from workbench.bases.catalogue.schema import CatalogueEntry, Licence, Shape

FOLDER = Path(__file__).parent
LICENCES = FOLDER / "licences.yaml"

#: What a size or a model may say for itself; the rest belongs to the family.
OVERRIDES = (
    "parameters",
    "rounded",
    "active_parameters",
    "training_tokens",
    "architecture",
    "remote_code",
    "gated",
    "licence",
    "licence_note",
    "released",
    "note",
    "lab",
)


def _read(file: Path) -> Any:
    # The base loader of dates: release dates stay text, as YYYY-MM is a date too.
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor(
        "tag:yaml.org,2002:timestamp", lambda constructor, node: node.value
    )
    with file.open(encoding="utf-8") as stream:
        return yaml.load(stream)


@lru_cache(maxsize=1)
def licences() -> dict[str, Licence]:
    """Every licence by its id in the catalogue."""
    return {key: Licence(id=key, **facts) for key, facts in _read(LICENCES).items()}


def family_files() -> list[Path]:
    """The YAML files that each hold one family."""
    return sorted((f for f in FOLDER.glob("*.yaml") if f != LICENCES), key=lambda file: file.stem)


@lru_cache(maxsize=128)
def text(file: Path) -> str:
    """What stands in the file, in lower case."""
    return file.read_text(encoding="utf-8").lower()


@lru_cache(maxsize=128)
def family(file: Path) -> tuple[CatalogueEntry, ...]:
    """The models of one file, bases before the instruct models made from them.

    Raises:
        pydantic.ValidationError: the file does not fit the schema (a mistake of the catalogue's).
    """
    facts = _read(file)
    found: list[CatalogueEntry] = []
    for size in facts["sizes"]:
        base = size.get("base")
        if base is not None:
            found.append(_entry(facts, size, base, "base", None))
        for model in size.get("instruct", ()):
            origin = model.get("from", base["hub_id"] if base else None)
            found.append(_entry(facts, size, model, "instruct", origin))
    return tuple(found)


def _entry(
    facts: dict[str, Any],
    size: dict[str, Any],
    model: dict[str, Any],
    kind: str,
    origin: str | None,
) -> CatalogueEntry:
    shape = {k: v for k, v in size.items() if k in Shape.model_fields}
    shape |= {k: v for k, v in model.items() if k in Shape.model_fields}
    merged: dict[str, Any] = {"parameters": None, "architecture": None, "released": None}
    for level in (facts, size, model):
        merged |= {k: v for k, v in level.items() if k in OVERRIDES}
    hub_id = model["hub_id"]
    merged["licence"] = licences()[merged["licence"]].model_dump()
    chat = facts.get("chat", {}).get(kind, {}) | size.get("chat", {}).get(kind, {})
    page = f"https://huggingface.co/{hub_id}"
    return CatalogueEntry(
        hub_id=hub_id,
        aliases=model.get("aliases", []),
        kind=kind,  # type: ignore[arg-type]
        base_of_instruct=origin,
        family=facts["family"],
        shape=Shape(**shape),
        chat=chat | model.get("chat", {}),
        sources=[page, *facts.get("sources", []), *size.get("sources", [])],
        **merged,
    )
