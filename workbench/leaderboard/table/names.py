"""One name for one set of weights: the catalogue's aliases, and mirrors out of ``mirrors.yaml``.

Beside them what makers and papers say of a model's parents where the table does not
(``published_parents.yaml``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from workbench.bases.catalogue import CatalogueEntry, entries

MIRRORS = Path(__file__).with_name("mirrors.yaml")
PUBLISHED = Path(__file__).with_name("published_parents.yaml")


@dataclass(frozen=True)
class Mirrors:
    """The data of ``mirrors.yaml``, names in lower case, suffixes longest first."""

    organisations: frozenset[str]
    suffixes: tuple[str, ...]
    names: Mapping[str, str]


@lru_cache(maxsize=1)
def mirrors() -> Mirrors:
    """What ``mirrors.yaml`` says."""
    with MIRRORS.open(encoding="utf-8") as stream:
        facts = YAML(typ="safe", pure=True).load(stream)
    return Mirrors(
        frozenset(name.lower() for name in facts["organisations"]),
        tuple(sorted((s.lower() for s in facts["suffixes"]), key=len, reverse=True)),
        {name.lower(): fact["is"] for name, fact in facts["names"].items()},
    )


@lru_cache(maxsize=1)
def catalogued() -> dict[str, CatalogueEntry]:
    """Every catalogued model by its id and aliases, in lower case."""
    return {name.lower(): e for e in entries() for name in (e.hub_id, *e.aliases)}


@lru_cache(maxsize=1)
def _by_bare_name() -> dict[str, str]:
    """Catalogued ids by their name without the organisation and without ``Meta-``."""
    found: dict[str, str] = {}
    for name, entry in catalogued().items():
        found.setdefault(_bare(name), entry.hub_id)
    return found


def _bare(name: str) -> str:
    return name.rpartition("/")[2].removeprefix("meta-")


@dataclass(frozen=True)
class Name:
    """A model's one name, and how the given one was taken for it."""

    hub_id: str
    mirror: bool = False


@lru_cache(maxsize=200_000)
def resolve(name: str) -> Name:
    """The one name of a model.

    An alias of the catalogue is the model's own name, as labs rename theirs; a mirror is somebody
    else's copy, or a quantised one. A name that is neither stands for itself.
    """
    low = name.strip().lower()
    if entry := catalogued().get(low):
        return Name(entry.hub_id)
    owner = low.partition("/")[0]
    for short in _shorter(low):
        if told := mirrors().names.get(short):
            entry = catalogued().get(told.lower())
            return Name(entry.hub_id if entry else told, mirror=True)
        if entry := catalogued().get(short):
            return Name(entry.hub_id, mirror=True)
        if owner in mirrors().organisations and (hub_id := _by_bare_name().get(_bare(short))):
            return Name(hub_id, mirror=True)
    return Name(name.strip())


def _shorter(name: str) -> list[str]:
    """``name``, then without its last suffix, and so on."""
    found = [name]
    while cut := next((s for s in mirrors().suffixes if found[-1].endswith(s)), None):
        found.append(found[-1].removesuffix(cut))
    return found


@lru_cache(maxsize=1)
def published_parents() -> dict[str, tuple[str, ...]]:
    """The parents in ``published_parents.yaml``, everything by its one name."""
    with PUBLISHED.open(encoding="utf-8") as stream:
        facts = YAML(typ="safe", pure=True).load(stream)
    return {
        resolve(fact["model"]).hub_id: tuple(resolve(name).hub_id for name in fact["from"])
        for fact in facts
    }
