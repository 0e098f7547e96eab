"""Frames of made-up studies whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.study.scores.frame import complete


def frame(
    *,
    families: tuple[int, int] = (6, 6),
    bases: int = 2,
    tasks: tuple[str, ...] = ("sums", "words"),
    seeds: tuple[int, ...] = (0, 1),
    start: tuple[float, float] = (0.4, 0.4),
    gain: tuple[float, float] = (0.2, 0.2),
    spread: float = 0.03,
    noise: float = 0.01,
    compute: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """A study of Chinese bases and others: each pair is (Chinese, others).

    ``spread`` is the standard deviation between families of start and of gain, ``noise`` that of
    everything below. Compute rises with the start, so that an equal one levels it.
    """
    rng = np.random.default_rng(seed)
    rows: list[Mapping[str, Any]] = []
    for side, group in enumerate(("Chinese", "others")):
        for family in range(families[side]):
            level, more = rng.normal(0, spread, 2)
            for number in range(bases):
                before = start[side] + level + rng.normal(0, noise)
                for task in tasks:
                    for run in seeds:
                        after = before + gain[side] + more + rng.normal(0, noise)
                        rows.append(
                            {"base": f"{group}-{family}-{number}", "group": group,
                             "asked": side == 0, "family": f"{group}-{family}", "task": task,
                             "treatment": "tuned", "seed": run, "n": 200,
                             "before": before, "after": after,
                             "before_a": before + rng.normal(0, noise), "after_a": after,
                             "se_gain": noise,
                             "compute": 3 + 5 * before if compute else None}
                        )  # fmt: skip
    return complete(pd.DataFrame(rows))
