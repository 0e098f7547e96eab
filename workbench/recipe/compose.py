"""A tree built from the YAML parser's events, within bounds on what aliases may grow to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from workbench.errors import Problem, UserError, Where
from workbench.recipe.node import Node
from workbench.recipe.scalars import Scalar, resolve

#: A recipe of 10,000 lines has 25,000 values and a depth of 10.
MAX_SIZE = 500_000
MAX_DEPTH = 40

_STANDARD = "tag:yaml.org,2002:"
_CONTAINERS = (_STANDARD + "map", _STANDARD + "seq")


class Composer:
    """Builds the tree from events, with a stack of its own: depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[Node] = []
        self._keys: list[tuple[str, Where] | None] = []
        self._sizes: list[int] = []
        self._anchors: dict[str, Node] = {}

    def take(self, event: Any) -> None:
        where = Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, where)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(Node({}, where), event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(Node([], where), event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor, where)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._refuse("a second document starts here", "a recipe is one document", where=where)

    def _scalar(self, event: Any, where: Where) -> None:
        if self._awaits_key():
            self._keys[-1] = (event.value, where)
            return
        value: Scalar = event.value
        tag = event.tag
        if tag is None or tag == "!":
            value = resolve(event.value) if event.implicit[0] else event.value
        elif tag in {_STANDARD + t for t in ("int", "float", "bool", "null")}:
            value = resolve(event.value)
        elif tag != _STANDARD + "str":
            self._refuse_tag(tag, where)
        node = Node(value, where, size=1 + len(event.value) // 32)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._add(node)

    def _open(self, node: Node, event: Any) -> None:
        if event.tag is not None and event.tag not in (*_CONTAINERS, "!"):
            self._refuse_tag(event.tag, node.where)
        if self._awaits_key():
            self._refuse(
                "a list or mapping stands where a key should be",
                remedy="quote the key if it is meant as text",
                where=node.where,
            )
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels", where=node.where)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._stack.append(node)
        self._keys.append(None)
        self._sizes.append(1)

    def _close(self) -> None:
        node = self._stack.pop()
        self._keys.pop()
        children = node.content if isinstance(node.content, list) else list(_values(node))
        node.size = self._sizes.pop()
        # Aliases of aliases go deep without any line of the file going deep.
        node.height = 1 + max((child.height for child in children), default=0)
        if node.height > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels", where=node.where)
        self._add(node)

    def _alias(self, anchor: str, where: Where) -> None:
        node = self._anchors.get(anchor)
        if node is None:
            self._refuse(f"the alias *{anchor} has no anchor &{anchor} before it", where=where)
        elif not node.size:
            self._refuse(f"&{anchor} contains itself through *{anchor}", where=where)
        elif self._awaits_key():
            self._keys[-1] = (str(node.content), where)
        else:
            self._add(replace(node, key=None))

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._is_map(self._stack[-1]) and self._keys[-1] is None

    @staticmethod
    def _is_map(node: Node) -> bool:
        return isinstance(node.content, dict)

    def _add(self, node: Node) -> None:
        size = node.size
        if self._stack:
            self._sizes[-1] += size
            size = self._sizes[-1]
        if size > MAX_SIZE:
            self._refuse(
                f"written out, this stands for more than {MAX_SIZE:,} values",
                "aliases that repeat aliases grow without bound",
                "use fewer of them, or make the recipe with a script",
                node.where,
            )
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if isinstance(parent.content, list):
            parent.content.append(node)
            return
        name, where = self._keys[-1] or ("", node.where)
        self._keys[-1] = None
        node.key = where
        if name == "<<":
            self._merge(parent, node)
        elif isinstance(parent.content, dict):
            before = parent.content.get(name)
            if before is not None and before.key is not None:
                self.problems.append(
                    Problem(
                        f"{name!r} is given twice",
                        f"it stands in line {before.key.line} already",
                        "keep one of them, or give the second another name",
                        where,
                    )
                )
            else:
                parent.content[name] = node

    def _merge(self, parent: Node, node: Node) -> None:
        sources = node.content if isinstance(node.content, list) else [node]
        for source in sources:
            if not self._is_map(source):
                self._refuse("<< merges mappings only", where=source.where)
            parent.merged.append(source)

    def _refuse_tag(self, tag: str, where: Where) -> None:
        shown = tag.replace(_STANDARD, "!!")
        self._refuse(
            f"the tag {shown} is refused", "a recipe holds plain values", "remove the tag", where
        )

    @staticmethod
    def _refuse(fact: str, cause: str = "", remedy: str = "", where: Where | None = None) -> None:
        raise UserError(Problem(fact, cause, remedy, where))


def _values(node: Node) -> Iterator[Node]:
    if isinstance(node.content, dict):
        yield from node.content.values()
    yield from node.merged
