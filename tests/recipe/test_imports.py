"""The room's data flows one way: no module of it imports one that imports it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import workbench.recipe

ROOM = Path(workbench.recipe.__file__).parent


def imported(file: Path) -> set[str]:
    """The modules of the room that ``file`` imports, inside functions and for typing too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.rpartition(".")
            if package == "workbench.recipe":
                found.add(module)
            elif node.module == "workbench.recipe":
                found |= {alias.name for alias in node.names}
    return found


def test_modules_import_one_way() -> None:
    graph = {file.stem: imported(file) for file in ROOM.glob("*.py")}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle
    flow = ["tree", "load", "shapes", "plan", "estimate", "room", "check"]
    assert sorted(flow, key=order.index) == flow
