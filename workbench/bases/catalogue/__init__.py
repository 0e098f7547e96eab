"""The catalogue of base models: data in YAML, a family a file, read without torch.

What a field leaves empty is not known. To add a family, add a file beside the others; its licence
goes to ``licences.yaml`` if it is a new one.
"""

from __future__ import annotations

from workbench.bases.catalogue.families import family, family_files, text
from workbench.bases.catalogue.schema import CatalogueEntry, Chat, Clause, Lab, Licence, Shape

__all__ = [
    "CatalogueEntry",
    "Chat",
    "Clause",
    "Lab",
    "Licence",
    "Shape",
    "entries",
    "lookup",
    "restrictions",
]


def entries() -> list[CatalogueEntry]:
    """Every model of the catalogue, family by family, small to large."""
    return [entry for file in family_files() for entry in family(file)]


def lookup(hub_id: str) -> CatalogueEntry | None:
    """The model of that hub id or alias, whatever its case; ``None`` if it is not catalogued."""
    wanted = hub_id.strip().lower()
    if "/" not in wanted:
        return None
    for file in family_files():
        # Parsing every family takes a good part of a second; one that does not name the id need
        # not be parsed.
        if wanted not in text(file):
            continue
        for entry in family(file):
            if wanted in {name.lower() for name in (entry.hub_id, *entry.aliases)}:
                return entry
    return None


def restrictions(hub_id: str) -> list[str]:
    """What the licence of a base asks, a sentence each; empty for an unknown or a free one."""
    entry = lookup(hub_id)
    if entry is None:
        return []
    found = [clause.text for clause in entry.licence.clauses]
    return [*found, entry.licence_note] if entry.licence_note else found
