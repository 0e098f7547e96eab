"""Keys: 12 hex digits of a sha256 over everything that decides what an output will be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.finetune import config as finetune
from workbench.merge import config as merge
from workbench.recipe.schema import StepConfig
from workbench.relayer import config as relayer
from workbench.scan import config as scan

_VERSIONS = {
    "finetune": finetune.STEP_VERSION,
    "relayer": relayer.STEP_VERSION,
    "merge": merge.STEP_VERSION,
    "scan": scan.STEP_VERSION,
}

#: Fields that say how a step is run and not what it makes.
_HOW = {"scan": scan.HOW}


def digest(value: Any) -> str:
    """12 hex digits for a JSON value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def base_key(config: BaseConfig, identity: Mapping[str, Any]) -> str:
    """The key of a base: what it is, and how it is loaded."""
    loading = config.model_dump(mode="json", exclude={"base_model", "revision"})
    return digest({"kind": "base", "identity": identity, "config": loading})


def output_key(
    kind: str,
    step: StepConfig,
    parent_keys: Mapping[str, str],
    data: list[Mapping[str, Any]],
    seed: int | None,
) -> str:
    """The key of an output. Names do not count: parents stand by their keys, data by contents.

    ``data`` says what each of the step's data sets, or each probe of a scan, is.
    """
    config = _by_key(step.model_dump(mode="json", exclude=set(_HOW.get(kind, ()))), parent_keys)
    for entry, identity in zip(config.get("datasets", ()), data, strict=kind != "scan"):
        entry["path"] = identity
    for entry, identity in zip(config.get("probes", ()), data, strict=kind == "scan"):
        entry |= {"name": identity, "options": None}
    return digest({"kind": kind, "config": config, "seed": seed, "version": _VERSIONS[kind]})


def _by_key(value: Any, keys: Mapping[str, str]) -> Any:
    """``value`` with every parent's name replaced by its key.

    A method or dtype that is spelt like a parent is replaced too, which does no harm: the parent's
    key is in the hash either way.
    """
    if isinstance(value, str):
        return f"key:{keys[value]}" if value in keys else value
    if isinstance(value, dict):
        return {name: _by_key(child, keys) for name, child in value.items()}
    if isinstance(value, list):
        return [_by_key(child, keys) for child in value]
    return value
