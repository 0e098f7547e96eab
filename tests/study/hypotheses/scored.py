"""Frames of item scores as an evaluation leaves them, for probes that read scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.study.subject import Subject


def frame(
    scores: Sequence[float],
    *,
    task: str = "sums",
    seed: int | None = None,
    cluster: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row an item; item ``n`` is the same in every frame of a task."""
    count = len(scores)
    return pd.DataFrame(
        {
            "task": task,
            "item_id": [str(n) for n in range(count)],
            "doc_hash": [f"{n:05d}" for n in range(count)],
            "prompt_hash": [f"p{n}" for n in range(count)],
            "cluster": list(cluster) if cluster is not None else [""] * count,
            "question": [f"Question: What is {n} plus 1?\nAnswer:" for n in range(count)],
            "score": np.asarray(scores, float),
            "answer": "x",
            "target": [str(n + 1) for n in range(count)],
            "seed": pd.array([seed] * count, dtype="Int64"),
        }
    )


def right(share: float, count: int = 400, seed: int = 0) -> np.ndarray:
    """``count`` scores, 0 or 1, of which exactly ``share`` are 1, in an order drawn by seed."""
    scores = np.zeros(count)
    scores[: round(share * count)] = 1
    return np.random.default_rng(seed).permutation(scores)


def subject(
    before: pd.DataFrame, after: Mapping[str, pd.DataFrame], seed: int = 0, **more: Any
) -> Subject:
    """A subject that has scores only; ``more`` are its other fields."""
    fields: dict[str, Any] = {"model": None, "tokenizer": None, **more}
    return Subject(base="base", before=before, after=after, seed=seed, **fields)


def shuffled(frame: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """The same rows in another order."""
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def shuffled_subject(given: Subject) -> Subject:
    """The same subject with the rows of every frame in another order."""
    assert given.before is not None
    after = {name: shuffled(each, 2 + n) for n, (name, each) in enumerate(given.after.items())}
    return subject(shuffled(given.before), after, given.seed)
