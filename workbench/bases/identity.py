"""What a base is, for hashing: the same weights give the same identity, other weights another.

Reads no network and imports no torch, so that ``workbench check`` answers at once. A big local
file is known by its header, size and time of change; reading 60 GB for every check would cost
more than it proves.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any, Literal

from workbench.bases.checkpoint import check_folder, header, is_whole
from workbench.bases.config import BaseConfig
from workbench.bases.tiny import names, shipped_folder
from workbench.errors import UserError, user_error
from workbench.likely import likely

Kind = Literal["tiny", "local", "hub"]

#: Files up to this size are hashed whole.
SMALL = 16 * 2**20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: What belongs to a checkpoint besides its weights. Code counts: it may be run.
_SIDE_FILES = (".json", ".jinja", ".txt", ".model", ".py", ".tiktoken")


def kind_of(config: BaseConfig) -> Kind:
    """Which of the three ways of naming a base this is; raises ``UserError`` if none.

    A folder that exists wins over a hub id of the same spelling, as in transformers.
    """
    name = config.base_model
    if name.startswith("tiny/"):
        if name not in names():
            raise _unknown(name, names(), "no tiny base has that name")
        return "tiny"
    path = Path(name).expanduser()
    if path.is_dir():
        return "local"
    if path.is_file():
        raise user_error(
            f"base_model {name!r} is a file",
            "a base is a folder with config.json, weights and tokenizer",
            f"name its folder: {path.parent}",
        )
    if _looks_local(name) or not _HUB_ID.fullmatch(name) or ".." in name or "--" in name:
        raise _unknown(name, _neighbours(path), "there is no such folder, and it is no hub id")
    if "/" not in name and not _cached_repo(name).is_dir():
        known = [*names(), *_catalogued()]
        raise _unknown(name, known, "hub ids have the form organisation/name")
    return "hub"


def identity(config: BaseConfig) -> dict[str, Any]:
    """What the base is, as plain values: ``kind`` and digests, or the hub's commit.

    Raises ``UserError`` for an unknown base (with likely names), pickle weights, truncated or
    missing files, or an index that points outside its folder. A hub model that is not in the
    local cache is identified by the revision asked for.
    """
    kind = kind_of(config)
    extra: dict[str, Any] = {}
    if config.chat_template is not None:
        extra["chat_template"] = _digest(chat_template_text(config.chat_template).encode())
    if kind == "tiny":
        return {"kind": kind, "files": _digests(shipped_folder(config.base_model)), **extra}
    if kind == "local":
        folder = Path(config.base_model).expanduser()
        weights = check_folder(folder, f"base_model {config.base_model!r}")
        return {"kind": kind, "files": _digests(folder, weights), **extra}
    snapshot = cached_snapshot(config.base_model, config.revision)
    found: dict[str, Any] = {"kind": kind, "id": config.base_model, **extra}
    if snapshot is None:
        return {**found, "revision": config.revision or "main"}
    if not is_whole(snapshot):
        # A download that broke off: locate takes it up again, so it is no error here.
        return {**found, "revision": config.revision or "main"}
    return {**found, "commit": snapshot.name}


def cached_snapshot(hub_id: str, revision: str | None) -> Path | None:
    """The folder in the local hub cache that holds ``revision`` with a configuration, or ``None``.

    The cache's layout is the hub client's: ``models--ORG--NAME/refs/REVISION`` holds a commit,
    ``snapshots/COMMIT`` its files.
    """
    repo = _cached_repo(hub_id)
    asked = revision or "main"
    reference = repo / "refs" / asked
    if _COMMIT.fullmatch(asked):
        commit = asked
    elif ".." not in asked and reference.is_file():
        commit = reference.read_text(encoding="utf-8").strip()
    else:
        return None
    snapshot = repo / "snapshots" / commit
    return snapshot if (snapshot / "config.json").is_file() else None


def chat_template_text(given: str) -> str:
    """``chat_template`` of a recipe is a ``.jinja`` file, or the template itself.

    Raises ``UserError`` when it looks like a file that does not exist.
    """
    if "{" in given or "\n" in given:
        return given
    path = Path(given).expanduser()
    if not path.is_file():
        raise user_error(
            f"chat_template {given!r} does not exist",
            "it is neither a file nor a template (which would contain {{ … }})",
            "give the path of a .jinja file",
        )
    return path.read_text(encoding="utf-8")


def _cached_repo(hub_id: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digests(folder: Path, weights: tuple[Path, ...] | None = None) -> dict[str, Any]:
    """By file name: the sha256, or for big weights a description that changes when they do."""
    heavy = set(weights if weights is not None else folder.glob("*.safetensors"))
    side = {p for p in folder.iterdir() if p.is_file() and p.suffix in _SIDE_FILES}
    found: dict[str, Any] = {}
    for file in sorted(heavy | side):
        status = file.stat()
        if status.st_size <= SMALL:
            found[file.name] = _digest(file.read_bytes())
        elif file in heavy:
            found[file.name] = {
                "header": _digest(header(file)[2]),
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
            }
        else:
            found[file.name] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    return found


def _looks_local(name: str) -> bool:
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or name.endswith("/")


def _neighbours(path: Path) -> list[str]:
    """Folders beside where ``path`` would be, as the user would type them."""
    try:
        return [str(path.parent / p.name) for p in path.parent.iterdir() if p.is_dir()][:500]
    except OSError:
        return []


def _catalogued() -> list[str]:
    from workbench.bases.catalogue import entries

    return [entry.hub_id for entry in entries()]


def _unknown(name: str, known: list[str], cause: str) -> UserError:
    tails = {k.rsplit("/", 1)[-1]: k for k in known}
    near = likely(name, known) or [tails[tail] for tail in likely(name, tails)]
    if not near and name.startswith("tiny/"):
        near = known
    return user_error(
        f"base_model {name!r} is unknown",
        cause,
        f"did you mean {' or '.join(near)}?"
        if near
        else "give a hub id (organisation/name), a local folder, or tiny/sums",
    )
