"""What ``MODEL`` on the command line stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.bases.spec import ModelSpec


def named_model(model: str, home: Path, options: dict[str, Any], trust: bool) -> ModelSpec:
    """The model that a person means: an output's folder or name, or else a base.

    Raises:
        UserError: there is no such output, or an option does not fit.
    """
    from pydantic import ValidationError

    from workbench.bases.config import BaseConfig
    from workbench.bases.spec import ModelSpec
    from workbench.engine.find import find_output
    from workbench.engine.lineage import spec_of_folder
    from workbench.errors import Problem, UserError, user_error
    from workbench.store.home import Home
    from workbench.store.outputs import OUTPUT_MANIFEST

    stored = Path(model) / OUTPUT_MANIFEST
    if stored.is_file() or not ("/" in model or Path(model).is_dir()):
        folder = find_output(model, Home(home))
        if options:
            raise user_error(
                f"{', '.join(options)} cannot be set for an output",
                "an output is scored at the precision it was made at",
                "leave it out, or score an exported copy: workbench export",
            )
        return spec_of_folder(folder, trusted=None if trust else ())
    try:
        return ModelSpec(BaseConfig(base_model=model, trust_remote_code=trust, **options))
    except ValidationError as error:
        raise UserError(
            Problem(
                f"{'.'.join(str(part) for part in found['loc']) or 'options'}: "
                + found["msg"].removeprefix("Value error, ")
            )
            for found in error.errors()
        ) from None
