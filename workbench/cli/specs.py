"""What ``MODEL`` on the command line stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

    from workbench.bases.spec import ModelSpec
    from workbench.errors import UserError


def named_model(model: str, home: Path, options: dict[str, Any], trust: bool) -> ModelSpec:
    """The model that a person means: an output's folder or name, or else a base.

    ``options`` say how a base is loaded; those that are not set (None, False) do not count.

    Raises:
        UserError: there is no such output, or an option does not fit.
    """
    from pydantic import ValidationError

    from workbench.bases.config import BaseConfig
    from workbench.bases.spec import ModelSpec
    from workbench.engine.find import find_output
    from workbench.engine.lineage import spec_of_folder
    from workbench.errors import user_error
    from workbench.store.home import Home
    from workbench.store.outputs import OUTPUT_MANIFEST

    options = {name: value for name, value in options.items() if value}
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
        raise option_problems(error) from None


def option_problems(error: ValidationError) -> UserError:
    """What pydantic found wrong with options, as a person is told it."""
    from workbench.errors import Problem, UserError

    return UserError(
        Problem(
            f"{'.'.join(str(part) for part in found['loc']) or 'options'}: "
            + found["msg"].removeprefix("Value error, ")
        )
        for found in error.errors()
    )
