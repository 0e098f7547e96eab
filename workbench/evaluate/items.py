"""lm-eval's logged samples as rows, and what the rows reveal about a broken model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed
from workbench.evaluate.tasks import BuiltTask

if TYPE_CHECKING:
    import pandas as pd

#: Characters kept of each question, from its end: enough to read what was asked, in a small file.
QUESTION_LENGTH = 600
#: With fewer items, equal answers are no sign of a collapse.
ENOUGH_ITEMS = 20


def rows_of(built: BuiltTask, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row an item and metric, in the columns of :data:`workbench.evaluate.result.COLUMNS`.

    Where an item's score is a list, as IFEval's over its instructions, each part has a row of its
    own, called ``ITEM#1``, ``ITEM#2``… in a cluster that is the item: parts of one answer are not
    independent.

    Raises:
        StepFailed: an item's score is no finite number, or lacks the cluster's field.
    """
    chosen = [sample for sample in samples if sample["filter"] == built.filter]
    rows: list[dict[str, Any]] = []
    for metric, task in built.score_names().items():
        for sample in chosen:
            answer, target = _words(built, metric, sample)
            row = {
                "task": task,
                "item_id": built.items.name_of(sample["doc_id"]),
                "doc_hash": sample["doc_hash"],
                "prompt_hash": sample["prompt_hash"],
                "cluster": _cluster(built, sample["doc"]),
                "question": str(built.task.doc_to_text(sample["doc"]))[-QUESTION_LENGTH:],
                "answer": answer,
                "target": target,
            }
            rows += _scored(row, sample[metric], f"{built.name}: the {metric}")
    return rows


def _scored(row: dict[str, Any], score: Any, what: str) -> Iterator[dict[str, Any]]:
    """The row with its score, or a row for each part of it."""
    if isinstance(score, (list, tuple)):
        for part, each in enumerate(score, 1):
            yield {
                **row,
                "item_id": f"{row['item_id']}#{part}",
                "cluster": row["cluster"] or row["item_id"],
                "score": _finite(each, what, row["item_id"]),
            }
    else:
        yield {**row, "score": _finite(score, what, row["item_id"])}


def _finite(score: Any, what: str, item: str) -> float:
    if not math.isfinite(number := float(score)):
        raise step_failed(
            f"{what} of item {item} is {number}",
            "the model's outputs overflow or are not numbers",
            "check the merge or the training that made it",
        )
    return number


def _cluster(built: BuiltTask, doc: dict[str, Any]) -> str:
    field = built.entry.cluster
    if field is None:
        return ""
    if field not in doc:
        raise step_failed(
            f"{built.name}: items have no field {field!r} to cluster by",
            f"they have {', '.join(doc)}",
            "correct cluster: in the suite",
        )
    return json.dumps(doc[field], ensure_ascii=False, default=str)


def _words(built: BuiltTask, metric: str, sample: dict[str, Any]) -> tuple[str, str]:
    """The model's answer and the right one, as text to read."""
    target, answers = sample["target"], sample["filtered_resps"]
    if built.task.OUTPUT_TYPE == "generate_until":
        answer = answers[0][0] if isinstance(answers[0], list) else answers[0]
        return str(answer), target if isinstance(target, str) else json.dumps(target)
    if built.task.OUTPUT_TYPE == "multiple_choice":
        choices = [str(choice) for choice in built.task.doc_to_choice(sample["doc"])]
        gold = target
        if getattr(built.task, "multiple_input", 0):
            gold = built.task.doc_to_text(sample["doc"])
        right = choices[gold] if isinstance(gold, int) and 0 <= gold < len(choices) else str(gold)
        return choices[chosen_option(metric, choices, answers)], right
    return json.dumps(answers[0], default=str), str(target)


def chosen_option(metric: str, choices: list[str], answers: list[Any]) -> int:
    """The option that ``metric`` takes as chosen: the likeliest, normalised as the metric does."""
    likelihoods = [float(likelihood) for likelihood, _ in answers[: len(choices)]]
    if metric == "acc_norm":
        likelihoods = [ll / len(c) for ll, c in zip(likelihoods, choices, strict=True)]
    elif metric == "acc_bytes":
        likelihoods = [ll / len(c.encode()) for ll, c in zip(likelihoods, choices, strict=True)]
    return max(range(len(choices)), key=likelihoods.__getitem__)


def notes_on(built: BuiltTask, samples: list[dict[str, Any]]) -> Iterator[str]:
    """Signs of a collapsed model: the same answer to every item, nothing at all, no numbers."""
    chosen = [sample for sample in samples if sample["filter"] == built.filter]
    if built.task.OUTPUT_TYPE == "multiple_choice":
        broken = sum(
            any(not math.isfinite(likelihood) for likelihood, _ in sample["filtered_resps"])
            for sample in chosen
        )
        if broken:
            yield f"{built.name}: {broken} of {len(chosen)} items have no finite likelihoods"
        picks = {
            chosen_option(
                built.entry.metrics[0],
                [str(choice) for choice in built.task.doc_to_choice(sample["doc"])],
                sample["filtered_resps"],
            )
            for sample in chosen
        }
        if len(picks) == 1 and len(chosen) >= ENOUGH_ITEMS:
            yield f"{built.name}: collapsed: option {picks.pop() + 1} is chosen for every item"
    elif built.task.OUTPUT_TYPE == "generate_until" and len(chosen) >= ENOUGH_ITEMS:
        answers = {str(sample["filtered_resps"][0]) for sample in chosen}
        if len(answers) == 1:
            said = answers.pop()
            words = (
                f"the answer to every item is {said[:40]!r}" if said else "every answer is empty"
            )
            yield f"{built.name}: collapsed: {words}"


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as the table that is saved."""
    import pandas as pd

    from workbench.evaluate.result import COLUMNS

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({name: "float64" if name == "score" else "str" for name in COLUMNS})
