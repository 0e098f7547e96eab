"""YAML with the place of every key and value, safe to read from anyone.

The parser's events are composed here rather than by the YAML library: that keeps line and column,
finds keys given twice, refuses tags that would build Python objects, and measures what aliases
would grow to before anything grows (an alias bomb of a kilobyte stands for gigabytes).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from workbench.errors import Problem, UserError, Where
from workbench.recipe.compose import Composer
from workbench.recipe.node import Node

#: A recipe of 10,000 lines has about 250 kB.
MAX_BYTES = 2_000_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_tree(text: str, file: str) -> tuple[Node, list[Problem]]:
    """The tree of the one document in ``text``, aliases and merge keys written out.

    The problems are those that leave a readable tree behind (a key given twice).

    Raises:
        UserError: the text is no YAML, or one that is refused (tags, bombs, depth, size).
    """
    composer = Composer(file)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise UserError(_syntax_problem(error, text, file)) from None
    except yaml.reader.ReaderError as error:
        position = text[: error.position] if isinstance(error.position, int) else ""
        where = Where(file, position.count("\n") + 1, len(position) - position.rfind("\n"))
        raise UserError(
            Problem("this is not a text file", str(error.reason), "give a YAML recipe", where)
        ) from None
    root = composer.root
    if root is None:
        raise UserError(
            Problem("the recipe is empty", remedy="see recipes/ for examples", where=Where(file))
        )
    return _expand(root, root.key), composer.problems


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=_Loader)


def _expand(node: Node, key: Where | None) -> Node:
    """A copy without aliases or merge keys: every path has a node of its own."""
    if isinstance(node.content, list):
        children = [_expand(child, None) for child in node.content]
        return Node(children, node.where, key)
    if isinstance(node.content, dict):
        entries = {name: _expand(child, child.key) for name, child in node.content.items()}
        for source in node.merged:
            for name, child in _entries(_expand(source, None)):
                entries.setdefault(name, child)
        return Node(entries, node.where, key)
    return Node(node.content, node.where, key)


def _entries(node: Node) -> list[tuple[str, Node]]:
    return list(node.content.items()) if isinstance(node.content, dict) else []


def _tab_at(text: str, mark: Any) -> bool:
    line = text.split("\n")[mark.line]
    return (
        "\t" in line[: len(line) - len(line.lstrip())]
        or line[mark.column : mark.column + 1] == "\t"
    )


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
    words = str(error.problem or error.context or "cannot be read")
    remedy = "check the indentation and the quotes of this line and the one before it"
    if mark and mark.line <= text.count("\n") and _tab_at(text, mark):
        remedy = "indent with spaces: YAML allows no tabs"
    elif "mapping values are not allowed" in words:
        remedy = "check the indentation; quote a text that contains ': '"
    return Problem(f"not valid YAML: {words}", str(error.context or ""), remedy, where)
