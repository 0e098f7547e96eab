"""Names: of the recipe, its bases and its outputs. They become folders and stand in web pages."""

from __future__ import annotations

import re

from workbench.errors import Problem, Where
from workbench.recipe.node import Node

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: Names that a file system or a merge block gives a meaning of its own.
RESERVED = {"con", "prn", "aux", "nul", "union", "base"}


def check_names(root: Node) -> list[Problem]:
    """Problems of the names in a recipe, and of names that a base and an output share."""
    problems: list[Problem] = []
    name = root.find(("name",))
    if name is not None and isinstance(name.content, str):
        problems += _check(name.content, "the recipe's name", name.where)
    taken: dict[str, tuple[str, Where | None]] = {}
    for section, kind in (("bases", "base"), ("outputs", "output")):
        node = root.find((section,))
        if node is None or not isinstance(node.content, dict):
            continue
        for word, child in node.content.items():
            problems += _check(word, f"the {kind} name", child.key)
            # Folders of names that differ in case alone would be one on macOS and Windows.
            before = taken.get(word.lower())
            if before is not None:
                other, where = before
                line = f" in line {where.line}" if where and where.line else ""
                problems.append(
                    Problem(
                        f"the name {word!r} is taken by a{'n' if other == 'output' else ''} "
                        f"{other}{line}",
                        "names must differ by more than upper and lower case",
                        "give one of the two another name",
                        child.key,
                    )
                )
            taken.setdefault(word.lower(), (kind, child.key))
    return problems


def _check(word: str, what: str, where: Where | None) -> list[Problem]:
    if not NAME.fullmatch(word):
        return [
            Problem(
                f"{what} {word[:80]!r} is not allowed",
                "names become folders and parts of web pages",
                "use letters, digits, '.', '_' and '-', beginning with a letter or digit, "
                "64 characters at most",
                where,
            )
        ]
    if word.lower() in RESERVED:
        return [
            Problem(f"{what} {word!r} has a meaning of its own", "", "choose another name", where)
        ]
    return []
