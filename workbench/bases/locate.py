"""The folder that holds a base, downloaded if need be.

Of a hub repository only safetensors, JSON, tokenizer and template files are fetched: no pickle
and, unless the recipe trusts it, no code ever reaches the disk.
"""

from __future__ import annotations

import json
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.checkpoint import HOW_TO_CONVERT, INDEX, PICKLES, check_folder, is_whole
from workbench.bases.config import BaseConfig
from workbench.bases.identity import cached_snapshot, kind_of
from workbench.bases.tiny import shipped_folder
from workbench.errors import UserError, user_error
from workbench.likely import did_you_mean

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

PATTERNS = [
    "*.safetensors",
    "*.json",
    "*.jinja",
    "tokenizer*",
    "*.model",
    "vocab.txt",
    "merges.txt",
]
#: Weights in subfolders (``original/``, ``onnx/``) are second copies of the same model.
IGNORED = ["*/*", *PICKLES, "*.gguf", "*.onnx", "consolidated*.safetensors"]
#: Seconds until the hub must have answered a question about names and sizes.
TIMEOUT = 10.0


def locate(config: BaseConfig) -> Path:
    """The local folder that holds the whole checkpoint of ``config``, checked.

    Downloads a hub model that is not in the cache. Raises ``UserError``, within seconds, when the
    hub cannot be reached, does not have it or does not let this user in, when it holds no
    safetensors, or when the disk is too small for it.
    """
    kind = kind_of(config)
    called = f"base_model {config.base_model!r}"
    if kind == "tiny":
        return shipped_folder(config.base_model)
    if kind == "local":
        folder = Path(config.base_model).expanduser()
        check_folder(folder, called)
        return folder
    snapshot = cached_snapshot(config.base_model, config.revision)
    if snapshot is not None and is_whole(snapshot):
        return snapshot
    return _download(config, called, snapshot)


def read_config(config: BaseConfig) -> dict[str, Any] | None:
    """The base's ``config.json`` without torch; ``None`` for a hub model that is not cached.

    Raises ``UserError`` for an unknown base or a file that cannot be read.
    """
    kind = kind_of(config)
    if kind == "tiny":
        folder: Path | None = shipped_folder(config.base_model)
    elif kind == "local":
        folder = Path(config.base_model).expanduser()
    else:
        folder = cached_snapshot(config.base_model, config.revision)
    if folder is None:
        return None
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise user_error(
            f"base_model {config.base_model!r}: no readable config.json",
            str(error),
            "name a folder that holds a whole checkpoint",
        ) from error
    if not isinstance(content, dict):
        raise user_error(f"{folder / 'config.json'} is no JSON object")
    return content


def _download(config: BaseConfig, called: str, partial: Path | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub import errors as hub

    hub_id = config.base_model
    try:
        info = HfApi().model_info(
            hub_id, revision=config.revision, timeout=TIMEOUT, files_metadata=True
        )
        wanted = [*PATTERNS, "*.py"] if config.trust_remote_code else PATTERNS
        _check_listing(info, called, wanted)
        folder = snapshot_download(
            hub_id,
            revision=config.revision,
            allow_patterns=wanted,
            ignore_patterns=IGNORED,
            etag_timeout=TIMEOUT,
        )
    except hub.GatedRepoError as error:
        raise user_error(
            f"{called} is gated",
            "its maker asks for an agreement before a download",
            f"accept it at https://huggingface.co/{hub_id}, then run: hf auth login",
        ) from error
    except hub.RevisionNotFoundError as error:
        raise user_error(
            f"{called} has no revision {config.revision!r}",
            "a revision is a branch, a tag or a commit of the repository",
            f"see https://huggingface.co/{hub_id}/tree/main; without revision, main is used",
        ) from error
    except (hub.RepositoryNotFoundError, hub.HFValidationError) as error:
        raise user_error(
            f"{called} is not on the hub, or is private",
            "the hub does not know it under that name for this user",
            _likely(hub_id) or "check the spelling; for a private one run: hf auth login",
        ) from error
    except UserError:
        raise
    except Exception as error:  # those of httpx, the hub and the OS share no parent
        state = "only partly in the local cache" if partial else "not in the local cache"
        raise user_error(
            f"{called} is {state}, and the hub cannot be reached",
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".strip(),
            f"go online once and run: hf download {hub_id}"
            + (f" --revision {config.revision}" if config.revision else "")
            + "; or copy the checkpoint here and name its folder"
            + (f". {_likely(hub_id)}" if _likely(hub_id) else ""),
        ) from error
    check_folder(Path(folder), called)
    return Path(folder)


def _check_listing(info: ModelInfo, called: str, wanted: list[str]) -> None:
    """Refuse before the first gigabyte what would be refused after the last."""
    from huggingface_hub import constants

    files = {s.rfilename: s.size or 0 for s in info.siblings or []}
    top = {name: size for name, size in files.items() if "/" not in name}
    if not {"model.safetensors", INDEX} & set(top):
        pickles = [name for name in top if any(fnmatch(name, p) for p in PICKLES)]
        raise user_error(
            f"{called} has no safetensors weights"
            + (f", only pickle: {', '.join(pickles[:3])}" if pickles else ""),
            "opening a pickle file can run any code that its maker put there"
            if pickles
            else "it may be an adapter, a GGUF or another kind of repository",
            f"hf download it, then {HOW_TO_CONVERT.format(folder='FOLDER')}"
            if pickles
            else "name a repository with model.safetensors",
        )
    needed = sum(size for name, size in top.items() if any(fnmatch(name, p) for p in wanted))
    cache = Path(constants.HF_HUB_CACHE)
    existing = next(p for p in (cache, *cache.parents) if p.is_dir())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise user_error(
            f"{called} takes {needed / 1e9:.1f} GB and {existing} has {free / 1e9:.1f} GB free",
            "the hub's cache lies there",
            "free some space, or set HF_HOME to a folder on a larger disk",
        )


def _likely(hub_id: str) -> str:
    from workbench.bases.catalogue import entries

    known = [entry.hub_id for entry in entries()]
    if hub_id.lower() in map(str.lower, known):
        return ""
    return did_you_mean(hub_id, known, most=3, cutoff=0.75)
