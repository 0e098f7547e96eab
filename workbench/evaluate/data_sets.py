"""Which data sets a suite needs, which of them are cached, and what fetches the others.

Read from task files and from the folders that ``datasets`` keeps, without importing lm-eval,
``datasets`` or torch: ``workbench check`` asks at every call.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import Problem
from workbench.evaluate.punkt import PUNKT, needs_punkt, punkt_is_there
from workbench.evaluate.suites import Suite
from workbench.evaluate.task_files import TaskFile, files_of

#: Data sets whose owner lets in who asks (the hub says "gated").
GATED = frozenset({"Idavidrein/gpqa"})
#: Settings of ``dataset_kwargs`` that choose no other data.
_NO_CHOICE = frozenset({"revision", "trust_remote_code", "token", "streaming"})
#: Paths that are ``datasets``' own readers of files, not data sets of the hub.
_READERS = frozenset({"json", "csv", "parquet", "text", "arrow", "pandas", "xml", "generator"})


@dataclass(frozen=True)
class DataSet:
    """A data set of the hub, in one configuration, that some of a suite's tasks read.

    ``path`` and ``name`` are the arguments of ``datasets.load_dataset``. ``revision`` is the commit
    that is cached, or the one that the task file names. ``fetch`` is the shell command that puts it
    into the cache, where a later run finds it without a network. ``gated``: its owner must have let
    the user in first.
    """

    path: str
    name: str | None
    revision: str | None
    cached: bool
    gated: bool
    fetch: str
    tasks: tuple[str, ...]


def data_sets(suite: Suite) -> list[DataSet]:
    """Every data set of the hub that the suite's tasks read, in the suite's order.

    Raises:
        UserError: a task file of the suite cannot be read.
    """
    local = suite.local_tasks()
    files = [f for entry in suite.tasks for f in files_of(entry.task, local.get(entry.task))]
    return data_sets_of(files)


def data_sets_of(files: Iterable[TaskFile]) -> list[DataSet]:
    """Every data set of the hub that tasks read, by their files."""
    asked: dict[tuple[str, str | None, str | None, str], list[str]] = {}
    for file in files:
        for path, name, kwargs in _read_by(file):
            revision = kwargs.get("revision")
            chosen = {k: v for k, v in kwargs.items() if k not in _NO_CHOICE}
            key = (path, name, revision, json.dumps(chosen, sort_keys=True, default=str))
            asked.setdefault(key, []).append(file.name)
    return [
        _data_set(path, name, revision, json.loads(chosen), tasks)
        for (path, name, revision, chosen), tasks in asked.items()
    ]


def missing(sets: Iterable[DataSet]) -> dict[str, list[DataSet]]:
    """Those that are not cached, by the command that fetches them all."""
    by_path: dict[tuple[str, str | None], list[DataSet]] = {}
    for each in sets:
        if not each.cached:
            by_path.setdefault((each.path, each.revision), []).append(each)
    return {_fetch_all(group): group for group in by_path.values()}


def missing_problem(group: list[DataSet], cause: str) -> Problem:
    """That a data set, in some of its configurations, is not cached; ``cause`` says why."""
    access = access_words(group[0])
    return Problem(
        f"{called(group)} is not in the local cache",
        cause,
        f"{f'{access}; then ' if access else ''}run this once where there is a network, with the "
        f"same HF_HOME: {_fetch_all(group)}",
    )


def called(group: list[DataSet], shown: int = 3) -> str:
    """A data set with its configurations, the first few by name."""
    names = [each.name for each in group if each.name]
    if not names:
        return group[0].path
    more = "" if len(names) <= shown + 1 else f" and {len(names) - shown} more"
    return f"{group[0].path} ({', '.join(names[:shown] if more else names)}{more})"


def access_words(data_set: DataSet) -> str:
    """How to be let in to a gated data set; empty for one that is open."""
    if not data_set.gated:
        return ""
    page = f"https://huggingface.co/datasets/{data_set.path}"
    return f"gated: ask for access at {page} and log in (`hf auth login`)"


def _read_by(file: TaskFile) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Arguments of ``load_dataset`` for what a task reads from elsewhere."""
    path = file.settings.get("dataset_path")
    if isinstance(path, str) and path not in _READERS and not Path(path).is_dir():
        name = file.settings.get("dataset_name")
        kwargs = file.settings.get("dataset_kwargs")
        yield path, name if isinstance(name, str) else None, dict(kwargs or {})
    if needs_punkt(file):
        yield PUNKT, None, {}


def _data_set(
    path: str, name: str | None, revision: str | None, chosen: dict[str, Any], tasks: list[str]
) -> DataSet:
    if path == PUNKT:
        fetch = _python("-m", "nltk.downloader", "punkt_tab")
        return DataSet(path, None, None, punkt_is_there(), False, fetch, tuple(tasks))
    commit = _cached_commit(path, name, chosen, revision)
    given = {**chosen, "revision": revision} if revision else chosen
    return DataSet(
        path=path,
        name=name,
        revision=revision or commit,
        cached=commit is not None,
        gated=path in GATED,
        fetch=_load_command(path, [name], given),
        tasks=tuple(tasks),
    )


def _fetch_all(group: list[DataSet]) -> str:
    """One command for all configurations of a data set, where each one's differs in that only."""
    plain = all(each.fetch == _load_command(each.path, [each.name], {}) for each in group)
    if len(group) > 1 and plain:
        return _load_command(group[0].path, [each.name for each in group], {})
    return " && ".join(each.fetch for each in group)


def _load_command(path: str, names: list[str | None], kwargs: dict[str, Any]) -> str:
    further = "".join(f", {key}={value!r}" for key, value in kwargs.items())
    if len(names) == 1:
        name = f", {names[0]!r}" if names[0] else ""
        call = f"load_dataset({path!r}{name}{further})"
    else:
        words = " ".join(str(name) for name in names)
        call = f"[load_dataset({path!r}, name{further}) for name in {words!r}.split()]"
    return _python("-c", f"from datasets import load_dataset; {call}")


def _python(*arguments: str) -> str:
    """A command of the Python that runs now, in the words of a shell."""
    python = Path(sys.executable)
    if Path.cwd() in python.parents:
        python = python.relative_to(Path.cwd())
    return " ".join(_quoted(part) for part in (str(python), *arguments))


def _quoted(part: str) -> str:
    """As ``shlex.quote``, in double quotes where that is easier to read."""
    if "'" in part and not set(part) & set('"$`\\!'):
        return f'"{part}"'
    return shlex.quote(part)


def _cached_commit(
    path: str, name: str | None, chosen: dict[str, Any], revision: str | None
) -> str | None:
    """The commit of the prepared copy that ``datasets`` takes without a network, if there is one.

    Its copies lie in CACHE/OWNER___NAME/CONFIGURATION/VERSION/COMMIT; the newest counts. With
    neither configuration nor other settings given, there must be only one to choose from.
    """
    *owner, last = path.split("/")
    root = _datasets_cache() / "___".join([*owner, _snake(last)])
    copies = [info.parent for info in root.glob("*/*/*/dataset_info.json")]
    if chosen:
        # The settings are hashed into the configuration's name.
        copies = [copy for copy in copies if copy.parts[-3].startswith(f"{name or 'default'}-")]
    else:
        copies = [
            copy
            for copy in copies
            if (name is None or copy.parts[-3] == name) and _config_name(copy) == copy.parts[-3]
        ]
    if revision is not None and re.fullmatch("[0-9a-f]{40}", revision):
        copies = [copy for copy in copies if copy.name == revision]
    if not copies:
        return None
    newest = max(copies, key=lambda copy: copy.stat().st_mtime)
    beside = {copy.parts[-3] for copy in copies if copy.parts[-2:] == newest.parts[-2:]}
    return newest.name if name is not None or chosen or len(beside) == 1 else None


def _config_name(copy: Path) -> str | None:
    try:
        return json.loads((copy / "dataset_info.json").read_text(encoding="utf-8"))["config_name"]
    except (OSError, ValueError, KeyError):
        return None  # damaged: `datasets` would not load it either


def _datasets_cache() -> Path:
    """Where ``datasets`` keeps its copies; once it is imported its own answer counts."""
    config = sys.modules.get("datasets.config")
    if config is not None:
        return Path(str(config.HF_DATASETS_CACHE)).expanduser()
    if given := os.environ.get("HF_DATASETS_CACHE"):
        return Path(given).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(os.environ.get("HF_HOME", shared)).expanduser() / "datasets"


def _snake(name: str) -> str:
    """``MMLU-Pro`` to ``mmlu-pro``, ``MuSR`` to ``mu_sr``: as ``datasets`` names its folders."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z\d])([A-Z])", r"\1_\2", name).lower()
