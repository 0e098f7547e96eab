"""The generation settings of a merged model: the donor's, and where each parent stops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.bases.stack import text_config
from workbench.bases.stops import distinct
from workbench.merge.config import MergeConfig, donor, merged_models
from workbench.merge.vocabulary import tokens_of

FILE = "generation_config.json"

#: The special tokens that a configuration names.
SPECIAL = ("bos_token_id", "eos_token_id", "pad_token_id")


def write_generation(config: MergeConfig, folders: Mapping[str, Path], out: Path) -> None:
    """Write the donor's generation settings to ``out``, which holds the tokenizer already.

    A parent that was taught to end its answers with a token of its own brings that habit along,
    so the output stops there too. The token is looked up by its text: rows may have moved.
    """
    giver = folders[donor(config)]
    settings = _json(giver / FILE)
    target = tokens_of(out)
    parents = dict.fromkeys([donor(config), *merged_models(config)])
    stops = distinct(*(_stops(folders[name], target) for name in parents))
    if stops and set(stops) != set(_named(giver)):
        # Where there is no file, transformers reads these from the configuration.
        given = text_config(_json(giver / "config.json"))
        settings = settings or {k: given[k] for k in SPECIAL if given.get(k) is not None}
        settings["eos_token_id"] = stops[0] if len(stops) == 1 else stops
    if settings:
        (out / FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _stops(folder: Path, target: Mapping[str, int]) -> list[int]:
    """The ids in the output's vocabulary ``target`` at which the model in ``folder`` stops."""
    tokens = tokens_of(folder)
    own = _json(folder / "tokenizer_config.json").get("eos_token")
    text = own.get("content") if isinstance(own, dict) else own
    ids = distinct(tokens.get(text) if isinstance(text, str) else None, _named(folder))
    if not tokens or not target:
        return ids
    texts = {row: token for token, row in tokens.items()}
    return [target[texts[row]] for row in ids if texts.get(row) in target]


def _named(folder: Path) -> list[int]:
    """The stops in a checkpoint's generation settings, else in its configuration."""
    named = distinct(_json(folder / FILE).get("eos_token_id"))
    return named or distinct(text_config(_json(folder / "config.json")).get("eos_token_id"))


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
