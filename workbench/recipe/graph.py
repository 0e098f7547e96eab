"""Who is made from whom: parents by name, undeclared bases, cycles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from workbench.bases.config import BaseConfig
from workbench.errors import Problem
from workbench.finetune.config import FinetuneConfig
from workbench.merge.config import model_references
from workbench.recipe.faults import KeyPath, where_at
from workbench.recipe.node import Node
from workbench.recipe.paths import find_path
from workbench.recipe.schema import OutputConfig, StepConfig
from workbench.recipe.words import likely
from workbench.relayer.config import RelayerConfig
from workbench.scan.config import ScanConfig

#: So many unknown parents have their likely name searched for: it takes a while among thousands.
SEARCHED = 20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def parents_of(step: StepConfig) -> list[str]:
    """The names that ``step`` is made from, each once, in the order they are written."""
    if isinstance(step, FinetuneConfig):
        return [step.base_model]
    if isinstance(step, RelayerConfig | ScanConfig):
        return [step.model]
    return model_references(step)


def implicit_base(name: str, recipe: Path) -> BaseConfig | None:
    """The base that an undeclared parent stands for: ``tiny/NAME``, a hub id or a folder."""
    if name.startswith("tiny/"):
        return BaseConfig(base_model=name)
    folder = find_path(name, recipe)
    if folder is not None and Path(folder).is_dir():
        return BaseConfig(base_model=folder)
    return BaseConfig(base_model=name) if _HUB_ID.fullmatch(name) else None


def link(
    steps: Mapping[str, OutputConfig], bases: Mapping[str, BaseConfig], root: Node, recipe: Path
) -> tuple[dict[str, BaseConfig], list[Problem]]:
    """The undeclared bases that ``steps`` name, and problems of parents and cycles.

    Parents that are in ``root`` but did not validate count as there: their own problems are told.
    """
    written = {*_names(root, "bases"), *_names(root, "outputs")}
    implicit: dict[str, BaseConfig] = {}
    unknown: dict[str, str] = {}
    problems: list[Problem] = []
    for name, output in steps.items():
        for parent in parents_of(output.step):
            if parent in written or parent in implicit or parent in bases:
                continue
            base = None if parent in unknown else implicit_base(parent, recipe)
            if base is not None:
                implicit[parent] = base
            else:
                if parent not in unknown:
                    unknown[parent] = _remedy(parent, written, search=len(unknown) < SEARCHED)
                problems.append(
                    Problem(
                        f"{parent[:80]!r} is neither a base nor an output of this recipe",
                        "nor is it a hub id (ORG/NAME), a folder or tiny/NAME",
                        unknown[parent],
                        where_at(root, reference(root, name, parent)),
                    )
                )
    return implicit, problems + cycles(steps, root)


def reference(root: Node, output: str, parent: str) -> KeyPath:
    """The path of the value in ``output`` that names ``parent``."""
    start: KeyPath = ("outputs", output)
    ahead = [start]
    while ahead:
        path = ahead.pop(0)
        node = root.find(path)
        content = node.content if node else None
        if content == parent and path[-1] in ("base_model", "model", "source", "tokenizer_source"):
            return path
        if isinstance(content, dict):
            ahead += [(*path, key) for key in content]
        elif isinstance(content, list):
            ahead += [(*path, index) for index in range(len(content))]
    return start


def cycles(steps: Mapping[str, OutputConfig], root: Node) -> list[Problem]:
    """A problem for each cycle among the outputs, at the output that closes it."""
    state: dict[str, str] = {}
    problems: list[Problem] = []
    for start in steps:
        trail: list[str] = []
        ahead: list[tuple[str, bool]] = [(start, False)]
        while ahead:
            name, leaving = ahead.pop()
            if leaving:
                state[name] = "done"
                trail.pop()
                continue
            if state.get(name) == "done" or name not in steps:
                continue
            if state.get(name) == "open":
                ring = [*trail[trail.index(name) :], name]
                shown = ring if len(ring) <= 12 else [*ring[:6], "…", *ring[-5:]]
                problems.append(
                    Problem(
                        "these outputs are made from one another: " + " ← ".join(shown),
                        "none of them could be made first",
                        "make one of them from a base",
                        where_at(root, reference(root, trail[-1], name)),
                    )
                )
                continue
            state[name] = "open"
            trail.append(name)
            ahead.append((name, True))
            ahead += [(parent, False) for parent in reversed(parents_of(steps[name].step))]
    return problems


def topological(steps: Mapping[str, OutputConfig]) -> list[str]:
    """The outputs, parents first, otherwise as written. A cycle is cut somewhere."""
    order: dict[str, None] = {}
    seen: set[str] = set()
    for start in steps:
        ahead: list[tuple[str, bool]] = [(start, False)]
        while ahead:
            name, parents_done = ahead.pop()
            if parents_done:
                order[name] = None
            elif name in steps and name not in seen:
                seen.add(name)
                ahead.append((name, True))
                ahead += [(parent, False) for parent in reversed(parents_of(steps[name].step))]
    return list(order)


def _names(root: Node, section: str) -> list[str]:
    node = root.find((section,))
    return list(node.content) if node and isinstance(node.content, dict) else []


def _remedy(parent: str, names: set[str], *, search: bool) -> str:
    near = likely(parent, names) if search else None
    if near is not None:
        return f"did you mean {near}?"
    listed = sorted(names)[:12]
    return f"there are: {', '.join(listed)}" if listed else "declare it under bases"
