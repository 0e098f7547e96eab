"""Chat templates as the recipe gives them; torch-free, so that ``check`` can look at them."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.errors import Problem, Where, user_error
from workbench.finetune.config import FinetuneConfig

#: Data set types that are rendered through the chat template.
CHAT_TYPES = ("chat", "sharegpt")


def looks_like_jinja(value: str) -> bool:
    """Whether ``chat_template:`` holds the template itself and not a file's path."""
    return "{{" in value or "{%" in value


def template_text(value: str) -> str:
    """The Jinja text of a ``chat_template:`` value, reading the file if it is a path.

    Raises ``UserError`` when there is no such file or the text does not compile.
    """
    problem = check_template(value)
    if problem:
        raise user_error(problem.fact, problem.cause, problem.remedy)
    return value if looks_like_jinja(value) else Path(value).expanduser().read_text("utf-8")


def check_template(value: str, where: Where | None = None) -> Problem | None:
    """What is wrong with a ``chat_template:`` value, or ``None``. Nothing is rendered."""
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    text = value
    if not looks_like_jinja(value):
        path = Path(value).expanduser()
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return Problem(
                f"no chat template file {value!r}",
                "chat_template: is Jinja text, or the path of a UTF-8 file that holds it",
                "mend the path (it counts from the working folder) or paste the template",
                where,
            )
    # Training marks are a tag of transformers' own, which plain Jinja does not know.
    for tag in ("generation", "endgeneration"):
        for opening, closing in (("{%", "%}"), ("{%-", "-%}"), ("{%-", "%}"), ("{%", "-%}")):
            text = text.replace(f"{opening} {tag} {closing}", "")
    try:
        ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(text)
    except TemplateSyntaxError as error:
        return Problem(
            f"chat_template: does not compile: {error.message} (its line {error.lineno})",
            remedy="mend the Jinja text",
            where=where,
        )
    return None


def has_chat_template(folder: Path) -> bool:
    """Whether a checkpoint folder comes with a chat template."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("chat_template"))


def needs_template(config: FinetuneConfig) -> bool:
    """Whether some data set of ``config`` is certain to be rendered through a chat template."""
    return any(dataset.type in CHAT_TYPES for dataset in config.datasets)


def no_template_problem(what: str, where: Where | None = None) -> Problem:
    """The message for conversations given to a base that has no chat template."""
    return Problem(
        f"{what} has no chat template, and the data are conversations",
        "how turns are written is part of what is trained; it cannot be guessed",
        "add chat_template: (Jinja text or a .jinja file) to the finetune, "
        "or use type: prompt_completion",
        where,
    )
