"""Rows of data sets on the Hugging Face hub, through ``datasets``."""

from __future__ import annotations

from dataclasses import replace

from workbench.errors import Problem, UserError, Where, user_error
from workbench.finetune.config import DatasetConfig
from workbench.finetune.data import LISTED
from workbench.finetune.rows import normalise
from workbench.finetune.samples import RowError, Sample


def hub_samples(dataset: DatasetConfig) -> list[tuple[Where, Sample]]:
    """All rows of a hub data set in normal form.

    Only data files are read, never a loading script. Raises ``UserError`` when the data set cannot
    be had (unknown, gated, or no network and not cached) or has bad rows.
    """
    import datasets

    try:
        table = datasets.load_dataset(
            dataset.path, dataset.name, split=dataset.split, revision=dataset.revision
        )
    except Exception as error:  # datasets raises many unrelated classes for the same mistakes
        raise user_error(
            f"cannot load the data set {dataset.path!r} (name {dataset.name!r}, split "
            f"{dataset.split!r}, revision {dataset.revision!r}): "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            "it is neither in the local Hugging Face cache nor could it be fetched",
            "check the id, name and split; without network, run once with it, or give a local "
            ".jsonl, .parquet or .csv file",
        ) from error
    samples: list[tuple[Where, Sample]] = []
    problems: list[Problem] = []
    bad = 0
    for number, row in enumerate(table, 1):
        place = Where(f"{dataset.path}[{dataset.split}]", number)
        try:
            samples.append((place, normalise(dataset.type, row)))
        except RowError as error:
            bad += 1
            if bad <= LISTED:
                problems.append(
                    Problem(str(error), f"the columns are: {', '.join(row)}", where=place)
                )
    if bad > LISTED:
        problems[-1] = replace(problems[-1], remedy=f"{bad - LISTED} more bad rows are not listed")
    if problems:
        raise UserError(problems)
    return samples
