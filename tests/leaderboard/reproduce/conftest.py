"""Evaluations made of answers, as the harness would leave them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.evaluate.result import COLUMNS, Evaluation, Score, fingerprint

Make = Callable[..., Evaluation]


def make_evaluation(
    answers: Mapping[str, Sequence[float]],
    of: Mapping[str, int] | None = None,
    *,
    template: str = "not applied",
    **conditions: Any,
) -> Evaluation:
    """An evaluation with these scores by task, ``of`` so many items of each set.

    A task ``SET/METRIC`` with a list of lists has one row an instruction of the set's items.
    """
    rows: list[tuple[Any, ...]] = []
    scores = {}
    for task, given in answers.items():
        name = task.partition("/")[0]
        flat = []
        for item, score in enumerate(given):
            several = list(score) if isinstance(score, list | tuple) else [score]
            for k, each in enumerate(several):
                item_id = f"{item}#{k}" if isinstance(score, list | tuple) else str(item)
                prompt = f"{name}-{item}-{template}"
                cluster = str(item) if isinstance(score, list | tuple) else ""
                row = (task, item_id, f"{name}-{item}", prompt, cluster, "", float(each), "", "")
                rows.append(row)
                flat.append(float(each))
        scores[task] = Score(
            metric="acc",
            value=float(np.mean(flat)),
            ci95=(0.0, 1.0),
            n=len(flat),
            method="",
            of=of[task] if of else len(flat),
        )
    facts = {"chat_template": template, **conditions}
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return Evaluation(facts, fingerprint(facts), scores, frame)


@pytest.fixture
def evaluation() -> Make:
    """Makes an evaluation of given answers."""
    return make_evaluation
