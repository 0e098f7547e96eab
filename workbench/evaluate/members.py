"""Which tasks a name of lm-eval's stands for, read from its YAML files without importing it."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import UserError
from workbench.evaluate.yaml_lines import read_yaml

_WORD = r"[\"']?([^\s\"'\[\],#]+)[\"']?"
_ENTRY = re.compile(rf"^[\"']?(task|group|include)[\"']?\s*:\s*{_WORD}\s*(?:#.*)?$", re.MULTILINE)
_CLASS = re.compile(r"^class\s*:", re.MULTILINE)
_TAG = re.compile(
    r"^[\"']?tag[\"']?\s*:[ \t]*(?P<line>[^\n]*)\n?(?P<below>(?:[ \t]*-[^\n]*\n?)*)", re.MULTILINE
)


@dataclass(frozen=True)
class _Head:
    """What a file defines: seen in its text, because lm-eval ships more than 10,000 of them."""

    path: Path
    task: str | None
    group: str | None
    tags: tuple[str, ...] | None
    include: str | None


def members(task_name: str) -> tuple[str, ...]:
    """The tasks that an entry of a suite stands for: a group's or tag's, else the task itself.

    Groups of groups and tags are followed to their tasks, in lm-eval's order. Empty where lm-eval
    defines no such name, and for the few groups that define their tasks in their own file.
    """
    return tuple(definitions(task_name))


def is_defined(task_name: str) -> bool:
    """Whether lm-eval ships a task, group or tag of this name."""
    root = tasks_root()
    for folder in (*_likely_folders(task_name), root) if root else ():
        heads = _heads(folder)
        if task_name in heads.tasks or task_name in heads.groups or task_name in heads.tags:
            return True
    return False


def definitions(task_name: str) -> dict[str, Path]:
    """The file of each task that a name stands for, by the task's name."""
    found: dict[str, Path] = {}
    for name, path in _expanded(task_name, ()):
        found.setdefault(name, path)
    return found


def home_of(task_name: str) -> Path | None:
    """The one folder of lm-eval's tasks that holds a name and all that it stands for.

    An index of that folder is built in a moment, one of all tasks takes many seconds. None where
    the name is a tag, whose tasks may lie anywhere, or is not lm-eval's.
    """
    root = tasks_root()
    for folder in _likely_folders(task_name) if root else ():
        heads = _heads(folder)
        if task_name in heads.tasks or task_name in heads.groups:
            paths = definitions(task_name).values()
            return folder if paths and all(folder in path.parents for path in paths) else None
    return None


@functools.cache
def tasks_root() -> Path | None:
    """The folder of lm-eval's own task files; None where lm-eval is not installed."""
    package = importlib.util.find_spec("lm_eval")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "tasks"


def _expanded(name: str, above: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    root = tasks_root()
    if root is None or name in above:
        return
    for folder in (*_likely_folders(name), root):
        heads = _heads(folder)
        if name in heads.groups:
            for inner in _listed(heads.groups[name]):
                yield from _expanded(inner, (*above, name))
            return
        if name in heads.tasks:
            yield name, heads.tasks[name]
            return
        if folder == root and name in heads.tags:
            yield from ((task, heads.tasks[task]) for task in heads.tags[name])
            return
        if name in heads.tags and above:
            # A group's tag: its tasks lie beside the group, and no other folder need be read.
            yield from ((task, heads.tasks[task]) for task in heads.tags[name])
            return


def _listed(group: Path) -> list[str]:
    """The names under a group's ``task:``; none where the file is not good YAML."""
    try:
        data = read_yaml(group).data
    except UserError:
        return []
    return list(_names(data.get("task"))) if isinstance(data, dict) else []


def _names(tasks: Any) -> Iterator[str]:
    """An entry may be a name, a mapping with one, or a group written out in it."""
    for each in tasks if isinstance(tasks, list) else [tasks]:
        if isinstance(each, dict):
            inner = each.get("task")
            yield from _names(inner if inner is not None else each.get("group"))
        elif isinstance(each, str):
            yield each


def _likely_folders(name: str) -> list[Path]:
    """Folders whose name begins the task's, longest first: ``leaderboard`` for leaderboard_bbh."""
    root = tasks_root()
    if root is None:
        return []
    parts = name.split("_")
    beginnings = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [root / begin for begin in beginnings if begin and (root / begin).is_dir()]


@dataclass(frozen=True)
class _Heads:
    """The names that a folder's files define."""

    tasks: dict[str, Path]
    groups: dict[str, Path]
    tags: dict[str, list[str]]


@functools.lru_cache(maxsize=16)
def _heads(folder: Path) -> _Heads:
    heads = [_head(path) for path in sorted(folder.rglob("*.yaml"), key=lambda p: p.as_posix())]
    tasks: dict[str, Path] = {}
    groups: dict[str, Path] = {}
    tags: dict[str, list[str]] = {}
    for head in heads:
        if head.group is not None:
            groups.setdefault(head.group, head.path)
        elif head.task is not None and head.task not in tasks:
            tasks[head.task] = head.path
            for tag in _tags(head, ()):
                tags.setdefault(tag, []).append(head.task)
    return _Heads(tasks, groups, tags)


def _tags(head: _Head, above: tuple[Path, ...]) -> tuple[str, ...]:
    """A task's tags: its own, else those of the file it includes."""
    if head.tags is not None:
        return head.tags
    if head.include is None:
        return ()
    path = (head.path.parent / head.include).resolve()
    if path in above or not path.is_file():
        return ()
    return _tags(_head(path), (*above, path))


@functools.lru_cache(maxsize=1 << 15)
def _head(path: Path) -> _Head:
    text = path.read_text(encoding="utf-8", errors="replace")
    entries: dict[str, str] = {}
    for found in _ENTRY.finditer(text):
        entries.setdefault(found[1], found[2])
    tag = _TAG.search(text)
    tags = None
    if tag is not None:
        tags = tuple(re.findall(_WORD, tag["line"].split("#")[0])) or tuple(
            word
            for line in tag["below"].splitlines()
            for word in re.findall(_WORD, line.split("#")[0].lstrip(" \t-"))[:1]
        )
    # A task that is a Python class may name the group it belongs to.
    group = None if _CLASS.search(text) else entries.get("group")
    return _Head(path, entries.get("task"), group, tags, entries.get("include"))
