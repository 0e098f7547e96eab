"""From a recipe's merge block to mergekit's own configuration over local folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mergekit.common import ModelReference
from mergekit.config import MergeConfiguration

from workbench.merge.config import MergeConfig


class OrderedMerge(MergeConfiguration):
    """mergekit's configuration, with the models in the order they are named.

    mergekit collects them in a set, whose order changes from one process to the next; without a
    ``base_model``, configuration and tokenizer would come from a model picked by chance.
    """

    def referenced_models(self) -> list[ModelReference]:
        found: dict[ModelReference, None] = {}
        if self.base_model:
            found[self.base_model] = None
        for part in (self, *(self.modules or {}).values()):
            for model in part.models or []:
                found[model.model] = None
            for output_slice in part.slices or []:
                found.update(dict.fromkeys(source.model for source in output_slice.sources))
        return list(found)


def reference(folder: Path) -> ModelReference:
    """mergekit's name for a local folder, whatever signs its path carries.

    Given as text, ``+`` would mean an adapter and ``@`` a revision.
    """
    return ModelReference.model_validate({"model": {"path": str(folder.absolute())}})


def translate(config: MergeConfig, folders: Mapping[str, Path]) -> OrderedMerge:
    """``config`` with every model's name replaced by its folder: names only, never text."""
    references = {name: reference(folder) for name, folder in folders.items()}
    block = config.model_dump(exclude_none=True, exclude={"options"})

    def renamed(value: Any, key: str = "") -> Any:
        if key in ("parameters", "chat_template"):
            return value
        if isinstance(value, dict):
            return {k: renamed(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [renamed(entry) for entry in value]
        if key in ("model", "base_model"):
            return references[value]
        if key in ("source", "tokenizer_source") and value not in ("union", "base"):
            return references[value]
        return value

    tokens = (block.get("tokenizer") or {}).pop("tokens", None)
    block = renamed(block)
    if tokens is not None:
        # Keyed by the token's text, which may be any word at all: even "model".
        block["tokenizer"]["tokens"] = {t: renamed(entry) for t, entry in tokens.items()}
        for entry in block["tokenizer"]["tokens"].values():
            if isinstance(entry.get("source"), str):
                entry["source"] = references[entry["source"]]
    return OrderedMerge.model_validate(block)
