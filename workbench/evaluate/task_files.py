"""lm-eval task files and their items, read without lm-eval: what exists, and what it hashes to."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError, Where
from workbench.evaluate.members import definitions
from workbench.evaluate.yaml_lines import read_yaml


@dataclass(frozen=True)
class TaskFile:
    """One lm-eval task file: its settings with includes merged, and every file they came from."""

    name: str
    path: Path
    settings: dict[str, Any]
    sources: tuple[Path, ...]

    def metrics(self) -> list[str]:
        """The metrics that the file lists, in order; empty where lm-eval's defaults apply."""
        listed = self.settings.get("metric_list") or []
        return [
            entry["metric"] for entry in listed if isinstance(entry, dict) and "metric" in entry
        ]

    def data_files(self) -> dict[str, list[Path]]:
        """Local item files by split. A relative path is sought from the task file's folder upward,
        so that the same file works for ``lm_eval`` in the checkout and for us anywhere.
        """
        given = (self.settings.get("dataset_kwargs") or {}).get("data_files")
        if given is None:
            return {}
        splits = given if isinstance(given, dict) else {"train": given}
        return {
            split: [
                self._resolve(name)
                for name in ([names] if isinstance(names, str) else names)
                if "://" not in name
            ]
            for split, names in splits.items()
        }

    def _resolve(self, name: str) -> Path:
        path = Path(name).expanduser()
        if path.is_absolute():
            return path
        for folder in self.path.parents:
            if (folder / path).is_file():
                return folder / path
        return self.path.parent / path

    @property
    def runs_code(self) -> bool:
        """Whether scoring the task runs what a model wrote."""
        return self.settings.get("unsafe_code") is True

    def code_files(self) -> list[Path]:
        """The Python files beside the task's, where it calls functions of its own."""
        if any("!function" in source.read_text(encoding="utf-8") for source in self.sources):
            return sorted(self.path.parent.glob("*.py"))
        return []

    def digest(self) -> str:
        """A sha256 over the settings' files, the code beside them, and the items."""
        files = {*self.sources, *(p for paths in self.data_files().values() for p in paths)}
        files |= set(self.code_files())
        digest = hashlib.sha256()
        for path in sorted(files, key=lambda p: p.name):
            content = path.read_bytes() if path.is_file() else b""
            digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def task_files(folders: Iterable[Path]) -> dict[str, TaskFile]:
    """Every task defined under ``folders``, by name.

    Raises:
        UserError: a file is not YAML, or two define the same task.
    """
    found: dict[str, TaskFile] = {}
    problems: list[Problem] = []
    for path in sorted(p for folder in folders for p in folder.rglob("*.yaml")):
        try:
            settings, sources = _merged(path)
        except UserError as error:
            problems += error.problems
            continue
        name = settings.get("task")
        if not isinstance(name, str):
            continue
        if name in found:
            problems.append(
                Problem(
                    f"task {name!r} is defined twice",
                    f"the other file is {found[name].path}",
                    "rename one of them",
                    Where(str(path)),
                )
            )
        found[name] = TaskFile(name, path, settings, tuple(sources))
    if problems:
        raise UserError(problems)
    return found


@functools.lru_cache(maxsize=1024)
def lm_eval_task(name: str, path: Path) -> TaskFile:
    """One of the task files that lm-eval ships, by its place.

    Raises:
        UserError: it is not YAML.
    """
    settings, sources = _merged(path)
    return TaskFile(name, path, settings, tuple(sources))


def files_of(task: str, local: TaskFile | None) -> list[TaskFile]:
    """The files of the tasks that a name stands for; ``local`` is its file where it is ours.

    Raises:
        UserError: one of lm-eval's is not YAML.
    """
    if local is not None:
        return [local]
    return [lm_eval_task(name, path) for name, path in definitions(task).items()]


def _merged(path: Path, above: tuple[Path, ...] = ()) -> tuple[dict[str, Any], list[Path]]:
    """A task file's settings over those it includes, as lm-eval merges them, and all files read."""
    if path in above:
        raise UserError(Problem("this file includes itself", where=Where(str(path))))
    data = read_yaml(path).data
    if not isinstance(data, dict):
        return {}, [path]
    includes = data.pop("include", None) or []
    settings: dict[str, Any] = {}
    sources = [path]
    for name in [includes] if isinstance(includes, str) else includes:
        inner, files = _merged((path.parent / str(name)).resolve(), (*above, path))
        settings.update(inner)
        sources += files
    return {**settings, **data}, sources


def check_items(file: TaskFile) -> Iterator[Problem]:
    """Item files that are missing or empty, and the first line of each that is no JSON object."""
    for path in [p for paths in file.data_files().values() for p in paths]:
        if not path.is_file():
            yield Problem(
                f"task {file.name}: there is no item file {path}",
                "",
                "correct data_files in the task file",
                Where(str(file.path)),
            )
        elif path.suffix == ".jsonl":
            yield from _check_lines(path)


def _check_lines(path: Path) -> Iterator[Problem]:
    number = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                wrong = "" if isinstance(json.loads(line), dict) else "not a JSON object"
            except ValueError as error:
                wrong = f"not JSON: {error}"
            if wrong:
                yield Problem(f"an item is {wrong}", where=Where(str(path), number))
                return
    if not number:
        yield Problem("no items", where=Where(str(path)))
