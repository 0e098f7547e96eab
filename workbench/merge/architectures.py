"""What mergekit and transformers know of an architecture, read from their files without importing
them: an import of either takes seconds and brings torch along.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Known:
    """One of mergekit's architecture files. ``untied_from`` maps an output embedding's name to the
    input embedding that stands in for it where a model keeps the two tied."""

    name: str
    modules: tuple[str, ...]
    untied_from: Mapping[str, str]


#: Described by mergekit in code rather than in a file.
_IN_CODE = frozenset({"AfmoeForCausalLM", "Glm4MoeForCausalLM"})


def known(config: Mapping[str, Any]) -> Known | None:
    """mergekit's description of a ``config.json``'s model; ``None`` where it must infer one."""
    name = architecture(config)
    found = _descriptions().get(name, {})
    if len(found) == 1:
        return next(iter(found.values()))
    return found.get(str(config.get("model_type")))


def architecture(config: Mapping[str, Any]) -> str:
    """The class that a ``config.json`` names, or an empty text."""
    names = config.get("architectures") or [""]
    return str(names[0])


def can_be_inferred(config: Mapping[str, Any]) -> bool:
    """Whether mergekit can read the tensor names off transformers' own class."""
    if architecture(config) in _IN_CODE or config.get("auto_map"):
        return True
    package = _folder("transformers")
    model_type = str(config.get("model_type") or "").replace("-", "_")
    if package is None or not model_type.isidentifier():
        return False
    return any((package / "models" / model_type).glob("modeling_*.py"))


@cache
def _descriptions() -> dict[str, dict[str, Known]]:
    found: dict[str, dict[str, Known]] = {}
    package = _folder("mergekit")
    files = sorted((package / "_data" / "architectures").glob("*.json")) if package else []
    for file in files:
        data = json.loads(file.read_text(encoding="utf-8"))
        inner = data.get("modules") or {"default": {"architecture": data}}
        weights = [w for m in inner.values() for w in _weights(m["architecture"])]
        ties = {w["name"]: w["tied_names"][0] for w in weights if w.get("tied_names")}
        for name in data["architectures"]:
            described = Known(name, tuple(inner), ties)
            found.setdefault(name, {})[data["model_type"]] = described
    return found


def _weights(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("pre_weights", ())
    yield from module.get("post_weights", ())


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None
