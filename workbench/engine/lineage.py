"""A model's description, written into the manifest of its folder and read back from there."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.bases.identity import kind_of
from workbench.bases.spec import AdapterStep, ModelSpec, PathStep, Step
from workbench.errors import step_failed, user_error
from workbench.store.outputs import OUTPUT_MANIFEST, SAFE_NAME
from workbench.store.seal import read_manifest, verify

#: Stands in the manifest for the folder the manifest is in.
HERE = "."
#: Before the name of a merged model that others were made from: it is in the same home.
BESIDE = "../"


def lineage_of(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    """``spec`` as JSON; other outputs are named without their place, so that a home can move.

    A base from elsewhere on this machine keeps its whole path: the working folder changes.
    """

    def name(path: Path) -> str:
        return HERE if path == folder else path.name

    root = anywhere(spec.root).model_dump()
    place = Path(root["base_model"])
    if place == folder.absolute():
        root["base_model"] = HERE
    elif place.parent == folder.absolute().parent and (place / OUTPUT_MANIFEST).is_file():
        root["base_model"] = BESIDE + place.name
    return {
        "root": root,
        "steps": [
            {"adapter": name(step.folder)}
            if isinstance(step, AdapterStep)
            else {"path": list(step.layers)}
            for step in spec.steps
        ],
        "tokenizer": name(spec.tokenizer) if spec.tokenizer else None,
    }


def anywhere(root: BaseConfig) -> BaseConfig:
    """``root``, with a local folder's whole path: it holds in any working folder."""
    if kind_of(root) != "local":
        return root
    place = Path(root.base_model).expanduser().absolute()
    return root.model_copy(update={"base_model": str(place)})


def spec_of_folder(
    folder: Path, *, check_files: bool = True, trusted: Container[str] | None = ()
) -> ModelSpec:
    """The description stored in ``folder``'s manifest.

    ``trusted`` are the bases whose own code may be run, all of them where it is ``None``. The
    manifest is not asked: a folder may come from anybody.

    Raises:
        UserError: its base runs its own code and is not among the trusted.
        StepFailed: the manifest or a file of the folder or of an ancestor is damaged or missing.
    """
    folder = folder.absolute()
    check = verify if check_files else read_manifest
    lineage = check(folder, OUTPUT_MANIFEST)["lineage"]

    def path(name: str) -> Path:
        if name == HERE:
            return folder
        if not SAFE_NAME.fullmatch(name) or not (folder.parent / name / OUTPUT_MANIFEST).exists():
            raise step_failed(
                f"{folder} was made from the output {name!r}, which is not beside it",
                "that folder was moved or deleted",
                "run the recipe again: it is made anew",
            )
        check(folder.parent / name, OUTPUT_MANIFEST)
        return folder.parent / name

    root = dict(lineage["root"])
    if root["base_model"] == HERE or root["base_model"].startswith(BESIDE):
        root["base_model"] = str(path(root["base_model"].removeprefix(BESIDE)))
    if root["trust_remote_code"] and trusted is not None and root["base_model"] not in trusted:
        raise user_error(
            f"{folder.name} goes back to {root['base_model']}, which brings its own code",
            "that code can do anything on this machine, and an output's folder is no recipe",
            "read the code; if you trust it, add --trust-remote-code",
        )
    steps: list[Step] = [
        AdapterStep(path(step["adapter"])) if "adapter" in step else PathStep(tuple(step["path"]))
        for step in lineage["steps"]
    ]
    tokenizer = lineage["tokenizer"]
    return ModelSpec(
        BaseConfig.model_validate(root), tuple(steps), path(tokenizer) if tokenizer else None
    )
