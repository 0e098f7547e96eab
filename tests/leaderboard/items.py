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
    frames = []
    for task, values in scores.items():
        if task == IFEVAL:
            frames += _ifeval(values)
        else:
            items = [str(index) for index in range(len(values))]
            cluster = (clusters or {}).get(task, [""] * len(values))
            frames.append(_frame(task, items, items, cluster, values))
    samples = pd.concat(frames, ignore_index=True)
    return Evaluation({}, "", {}, samples)


def _ifeval(prompts: list[np.ndarray]) -> list[pd.DataFrame]:
    items = [str(index) for index in range(len(prompts))]
    owner = [item for item, prompt in zip(items, prompts, strict=True) for _ in prompt]
    parts = [
        f"{item}#{k}"
        for item, prompt in zip(items, prompts, strict=True)
        for k in range(len(prompt))
    ]
    whole = [float(prompt.all()) for prompt in prompts]
    return [
        _frame(IFEVAL, items, items, [""] * len(items), whole),
        _frame(IFEVAL_INSTRUCTIONS, parts, owner, owner, np.concatenate(prompts)),
    ]


def _frame(task: str, items: Any, hashes: Any, clusters: Any, scores: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "task": task,
            "item_id": items,
            "doc_hash": hashes,
            "prompt_hash": hashes,
            "cluster": clusters,
            "score": np.asarray(scores, dtype=float),
        }
    )


def prompts(count: int, chance: float, generator: np.random.Generator) -> list[np.ndarray]:
    """Followed instructions of ``count`` prompts; each prompt has a chance of its own."""
    sizes = generator.permutation(INSTRUCTIONS)[:count]
    chances = np.clip(generator.normal(chance, 0.2, count), 0, 1)
    return [
        (generator.random(size) < p).astype(float) for size, p in zip(sizes, chances, strict=True)
    ]
