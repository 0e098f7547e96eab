"""The room's data flows one way, and nothing above it or beside it is imported."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import workbench

ROOT = Path(workbench.__file__).parent
ROOM = "workbench.scan"
#: Packages of the room and its own modules, each of which imports none that stands before it.
FLOW = ["run", "measure", "search", "judge", "anatomy", "ledger", "stream", "probes", "schedule"]
#: What the room stands on: single modules, and whole packages.
MODULES = {"errors", "likely", "progress", "schema", "versions"}
PACKAGES = {"bases", "compare", "evaluate", "store"}
#: Of the room beside it: what layer paths are, and how a path is run.
RELAYER = {"relayer.path", "relayer.reference", "relayer.layers_config"}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES_OF_THE_ROOM = {name_of(f): f for f in sorted((ROOT / "scan").rglob("*.py"))}


def imported(file: Path) -> set[str]:
    """The project's modules that ``file`` imports, inside functions and for typing too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES_OF_THE_ROOM else node.module)
    return {name for name in found if name.partition(".")[0] == "workbench"}


GRAPH = {name: imported(file) for name, file in MODULES_OF_THE_ROOM.items()}


def test_modules_import_one_way() -> None:
    TopologicalSorter(GRAPH).prepare()  # raises CycleError, naming the circle


def test_packages_import_one_way() -> None:
    def part(name: str) -> str:
        return name.removeprefix(ROOM + ".").partition(".")[0]

    backwards = [
        f"{name} imports {other}"
        for name, others in GRAPH.items()
        for other in others
        if part(name) in FLOW
        and part(other) in FLOW
        and FLOW.index(part(other)) < FLOW.index(part(name))
    ]
    assert not backwards


def test_nothing_above_or_beside_is_imported() -> None:
    def allowed(name: str) -> bool:
        inner = name.removeprefix("workbench.")
        return inner in MODULES | RELAYER or inner.partition(".")[0] in PACKAGES | {"scan"}

    strangers = {
        f"{name} imports {other}"
        for name, others in GRAPH.items()
        for other in others
        if not allowed(other)
    }
    assert not strangers
