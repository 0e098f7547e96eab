"""What is known of checkpoints that others made from catalogued models.

They are bases of recipes, not of the catalogue: it lists what labs have pretrained.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from ruamel.yaml import YAML

from workbench.bases.catalogue import CatalogueEntry, lookup
from workbench.bases.catalogue.schema import Count, HubId, Url
from workbench.schema import Strict

_FILE = Path(__file__).with_name("derived.yaml")


class Derived(Strict):
    """One checkpoint; the head of the YAML file says what each field is."""

    hub_id: HubId
    of: HubId
    parameters: Count
    rounded: bool = False
    layers: Count | None = None
    vocab_size: Count | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    note: str | None = None
    sources: list[Url] = Field(min_length=1)

    def entry(self) -> CatalogueEntry:
        """The catalogued model's entry with what is otherwise here.

        Raises:
            ValueError: ``of`` is not catalogued (a mistake of the file's).
        """
        origin = lookup(self.of)
        if origin is None:
            raise ValueError(f"{self.hub_id} is of {self.of}, which is not catalogued")
        # A number of layers that is null is not known; one that is left out is the original's.
        changed: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("layers", "vocab_size")
            if name in self.model_fields_set
        }
        return origin.model_copy(
            update={
                "hub_id": self.hub_id,
                "aliases": [],
                "base_of_instruct": None,
                "parameters": self.parameters,
                "rounded": self.rounded,
                "shape": origin.shape.model_copy(update=changed),
                "gated": None,
                "released": None,
                "note": self.note,
                "sources": list(self.sources),
            }
        )


def derived() -> list[Derived]:
    """Every checkpoint of the file."""
    return list(_read())


def derived_from(hub_id: str) -> Derived | None:
    """The checkpoint of that hub id, whatever its case; ``None`` where it is not listed."""
    wanted = hub_id.strip().lower()
    return next((each for each in _read() if each.hub_id.lower() == wanted), None)


def known(hub_id: str) -> CatalogueEntry | None:
    """What is known of a hub id: its entry in the catalogue, or that of a derived checkpoint."""
    entry = lookup(hub_id)
    if entry is not None:
        return entry
    found = derived_from(hub_id)
    return found.entry() if found is not None else None


@lru_cache(maxsize=1)
def _read() -> tuple[Derived, ...]:
    with _FILE.open(encoding="utf-8") as stream:
        return tuple(
            Derived.model_validate(row) for row in YAML(typ="safe", pure=True).load(stream)
        )
