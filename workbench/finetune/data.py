"""What ``workbench check`` can say of training data without torch, and what identifies them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.errors import Problem, UserError, Where
from workbench.finetune.config import DatasetConfig
from workbench.finetune.labels import change_labels
from workbench.finetune.read import SUFFIXES, FileError, is_local, read
from workbench.finetune.rows import REQUIRED, USUAL_NAMES, missing_columns
from workbench.finetune.rows import normalise as normalise_row
from workbench.finetune.samples import RowError, Sample
from workbench.likely import likely
from workbench.store.seal import sha256_of

#: Bad rows named one by one for each file; the rest are counted.
LISTED = 5
#: Rows that ``workbench check`` looks at, so that it answers at once; training looks at all.
CHECKED_ROWS = 50_000


def check_dataset(
    dataset: DatasetConfig, where: Where | None = None, limit: int | None = CHECKED_ROWS
) -> list[Problem]:
    """Everything wrong with a local data file: missing, unreadable, wrong columns, bad rows.

    ``where`` is the place in the recipe that names the file. At most ``limit`` rows are read
    (``None``: all). A hub data set is not looked at, since that needs the network.
    """
    if not is_local(dataset.path):
        return []
    problems: list[Problem] = []
    rows: list[Sample] = []
    for _, sample in _samples(dataset, where, problems, limit):
        if dataset.labels != "given":
            rows.append(sample)
    # Whether answers differ is known when all rows were read.
    if dataset.labels != "given" and not problems and len(rows) != limit:
        try:
            change_labels(rows, dataset.labels, seed=0)
        except RowError as error:
            problems.append(label_problem(dataset, str(error), where))
    return problems


def local_samples(dataset: DatasetConfig) -> list[tuple[Where, Sample]]:
    """All rows of a local data file in normal form, each with its place.

    Raises ``UserError`` with every problem of the file.
    """
    problems: list[Problem] = []
    samples = list(_samples(dataset, None, problems, None))
    if problems:
        raise UserError(problems)
    return samples


def label_problem(dataset: DatasetConfig, fact: str, where: Where | None = None) -> Problem:
    """What is said where ``labels`` cannot change the answers of a data set."""
    return Problem(
        f"{dataset.path}: {fact}",
        "",
        "remove labels, or use data whose rows have answers that differ",
        where,
    )


def data_identity(dataset: DatasetConfig) -> dict[str, Any]:
    """What the data *are*, for hashing: a file's sha256, or the hub id with its commit.

    ``labels`` are named where they are not those given.

    The commit is the one in the local Hugging Face cache where there is one, else the revision
    asked for. Raises ``UserError`` when a local file is missing.
    """
    labels = {"labels": dataset.labels} if dataset.labels != "given" else {}
    if not is_local(dataset.path):
        return {
            "hub": dataset.path,
            "name": dataset.name,
            "split": dataset.split,
            "revision": cached_commit(dataset.path, dataset.revision) or dataset.revision,
            **labels,
        }
    path = Path(dataset.path).expanduser()
    try:
        return {"sha256": sha256_of(path), **labels}
    except OSError:
        raise UserError(_missing(path, None)) from None


def cached_commit(repository: str, revision: str | None) -> str | None:
    """The commit of a hub data set that the local cache holds for ``revision``, if it does."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()
    reference = cache / f"datasets--{repository.replace('/', '--')}" / "refs" / (revision or "main")
    try:
        return reference.read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError):
        return None


def _missing(path: Path, where: Where | None) -> Problem:
    if path.is_dir():
        return Problem(
            f"data set {str(path)!r} is a folder",
            "a data set is one file, or a hub id",
            f"name a file in it that ends in {', '.join(SUFFIXES)}",
            where,
        )
    parent = path.parent
    try:
        names = [p.name for p in parent.iterdir() if p.suffix.lower() in SUFFIXES]
    except OSError:
        names = []
    near = likely(path.name, names, cutoff=0.5)
    if near:
        remedy = "did you mean " + " or ".join(repr(str(parent / name)) for name in near) + "?"
    elif parent.is_dir():
        remedy = f"put it there, or mend the path; it counts from {str(Path.cwd())!r}"
    else:
        remedy = f"there is no folder {str(parent)!r} either; paths count from the working folder"
    return Problem(f"no data file {str(path)!r}", "", remedy, where)


def _column_problem(dataset: DatasetConfig, columns: set[str], place: Where) -> Problem | None:
    missing = missing_columns(dataset.type, columns)
    if not missing:
        return None
    present = ", ".join(sorted(columns)) or "none"
    other = [
        kind
        for kind in REQUIRED
        if kind != dataset.type and not missing_columns(kind, columns) and columns
    ]
    renamings = []
    for column in missing:
        usual = [name for name in USUAL_NAMES[column] if name in columns]
        guess = usual or likely(column, sorted(columns))
        if guess:
            renamings.append(f"rename column {guess[0]!r} to {column!r}")
    remedy = "; ".join(renamings)
    if other:
        remedy = f"with these columns, use type: {other[0]}" + (f" (or {remedy})" if remedy else "")
    return Problem(
        f"no column {', '.join(map(repr, missing))}, which type: {dataset.type} needs",
        f"the columns are: {present}",
        remedy or f"give every row {' and '.join(REQUIRED[dataset.type])}",
        place,
    )


def _samples(
    dataset: DatasetConfig, where: Where | None, problems: list[Problem], limit: int | None
) -> Iterator[tuple[Where, Sample]]:
    """Yield the good rows, and put what is wrong into ``problems``."""
    path = Path(dataset.path).expanduser()
    if not path.is_file():
        problems.append(_missing(path, where))
        return
    unit = "row" if path.suffix.lower() in (".parquet", ".json") else "line"
    bad, seen = 0, 0
    try:
        for placed in read(path):
            if limit is not None and seen >= limit:
                break
            seen += 1
            place = Where(dataset.path, placed.line)
            if placed.error:
                problem = Problem(placed.error, where=place)
            else:
                row = placed.value
                if seen == 1 and isinstance(row, dict):
                    wrong = _column_problem(dataset, set(row), place)
                    if wrong:  # every row will lack it: one message says it all
                        problems.append(wrong)
                        return
                try:
                    yield place, normalise_row(dataset.type, row)
                    continue
                except RowError as error:
                    problem = Problem(str(error), where=place, remedy=f"mend or remove this {unit}")
            bad += 1
            if bad <= LISTED:
                problems.append(problem)
    except FileError as error:
        problems.append(Problem(error.fact, error.cause, error.remedy, Where(dataset.path)))
        return
    except OSError as error:
        problems.append(Problem(f"cannot read {dataset.path!r}: {error.strerror}", where=where))
        return
    if bad > LISTED:
        problems[-1] = replace(
            problems[-1],
            remedy=f"{bad - LISTED} more bad {unit}s of {seen} are not listed",
        )
    if not seen:
        problems.append(
            Problem(
                f"data file {dataset.path!r} has no rows",
                "there is nothing to train on",
                f"give it rows of type {dataset.type}: {', '.join(REQUIRED[dataset.type])}",
                where or Where(dataset.path),
            )
        )
