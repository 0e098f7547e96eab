"""Items as an evaluation holds them, drawn with known chances of being right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.evaluate.result import Evaluation
from workbench.leaderboard.ifeval import PROMPTS
from workbench.leaderboard.schemes.v2 import IFEVAL, IFEVAL_INSTRUCTIONS

#: How many instructions each of IFEval's prompts has.
INSTRUCTIONS = np.repeat(list(PROMPTS), list(PROMPTS.values()))


def evaluation(scores: Mapping[str, Any], clusters: Mapping[str, Any] | None = None) -> Evaluation:
    """An evaluation of these scores, item by item; only what points are made of is filled in.

    IFEval's prompts and instructions are given as a list of arrays, one a prompt, under the
    prompts' task; elsewhere an array a task.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ("task", "item", "doc", "cluster")}
    columns["score"] = []
    for task, values in scores.items():
        if task == IFEVAL:
            _add_ifeval(columns, values)
        else:
            items = _names(len(values))
            cluster = (clusters or {}).get(task, [""] * len(values))
            _add(columns, task, items, items, cluster, values)
    samples = pd.DataFrame(
        {
            "task": columns["task"],
            "item_id": columns["item"],
            "doc_hash": columns["doc"],
            "prompt_hash": columns["doc"],
            "cluster": columns["cluster"],
            "score": np.asarray(columns["score"], dtype=float),
        },
        dtype=object,
    )
    samples["score"] = samples["score"].astype(float)
    return Evaluation({}, "", {}, samples)


def _add_ifeval(columns: dict[str, list[Any]], answers: list[np.ndarray]) -> None:
    items = _names(len(answers))
    owner, parts = [], []
    for item, answer in zip(items, answers, strict=True):
        owner += [item] * len(answer)
        parts += [f"{item}#{k}" for k in range(len(answer))]
    whole = [float(answer.all()) for answer in answers]
    _add(columns, IFEVAL, items, items, [""] * len(items), whole)
    _add(columns, IFEVAL_INSTRUCTIONS, parts, owner, owner, np.concatenate(answers))


def _add(
    columns: dict[str, list[Any]], task: str, items: Any, docs: Any, clusters: Any, scores: Any
) -> None:
    columns["task"] += [task] * len(items)
    columns["item"] += items
    columns["doc"] += docs
    columns["cluster"] += list(clusters)
    columns["score"] += list(scores)


def _names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def prompts(count: int, chance: float, generator: np.random.Generator) -> list[np.ndarray]:
    """Followed instructions of ``count`` prompts; each prompt has a chance of its own."""
    sizes = generator.permutation(INSTRUCTIONS)[:count]
    chances = np.clip(generator.normal(chance, 0.2, count), 0, 1)
    return [
        (generator.random(size) < p).astype(float) for size, p in zip(sizes, chances, strict=True)
    ]
