"""A value of a YAML file that knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Where
from workbench.recipe.scalars import Scalar


@dataclass(eq=False)
class Node:
    """A value of the file. ``where`` is its place, ``key`` that of the key it stands under."""

    content: dict[str, Node] | list[Node] | Scalar
    where: Where
    key: Where | None = None
    #: Other mappings to merge in (``<<``), nearest first.
    merged: list[Node] = field(default_factory=list)
    #: Values it stands for once aliases are written out; ``0`` while it is still being read.
    size: int = 0
    height: int = 0

    def data(self) -> Any:
        """The plain Python value: dicts, lists and scalars."""
        if isinstance(self.content, dict):
            return {name: node.data() for name, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.data() for node in self.content]
        return self.content

    def find(self, path: tuple[str | int, ...]) -> Node | None:
        """The value at ``path``, or ``None``."""
        node = self
        for step in path:
            content = node.content
            if isinstance(content, dict) and str(step) in content:
                node = content[str(step)]
            elif isinstance(content, list) and isinstance(step, int) and step < len(content):
                node = content[step]
            else:
                return None
        return node
