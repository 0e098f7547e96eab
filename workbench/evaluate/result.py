"""What a scoring leaves behind: scores with intervals, every item, and the conditions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed

if TYPE_CHECKING:
    import pandas as pd

#: Columns of ``samples``: one row an item of a task. ``cluster`` is empty where items are
#: independent; ``score`` is a float, all others are text.
COLUMNS = (
    "task",
    "item_id",
    "doc_hash",
    "prompt_hash",
    "cluster",
    "question",
    "score",
    "answer",
    "target",
)

EVALUATION_FILE = "evaluation.json"
SAMPLES_FILE = "samples.parquet"


@dataclass(frozen=True)
class Score:
    """A task's score: ``value`` as lm-eval computes it, and where the true mean plausibly lies.

    ``method`` names the interval; ``n`` counts items.
    """

    metric: str
    value: float
    ci95: tuple[float, float]
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """The score as ``results.json`` holds it."""
        return {**asdict(self), "ci95": list(self.ci95)}


@dataclass(frozen=True)
class Evaluation:
    """One model on one suite.

    ``conditions`` holds all that the scores depend on beside the weights, and ``fingerprint`` is
    its hash: two evaluations may be compared if and only if these are equal. ``notes`` say what a
    reader of the scores should know, such as a model that gives every item the same answer.
    """

    conditions: dict[str, Any]
    fingerprint: str
    scores: dict[str, Score]
    samples: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json`` and ``samples.parquet`` into an existing folder."""
        facts = {
            "conditions": self.conditions,
            "fingerprint": self.fingerprint,
            "scores": {task: score.as_dict() for task, score in self.scores.items()},
            "notes": list(self.notes),
        }
        self.samples.to_parquet(folder / SAMPLES_FILE, index=False)
        text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / EVALUATION_FILE).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> Evaluation:
        """What :meth:`save` wrote, equal to the last bit.

        Raises:
            StepFailed: a file is missing or damaged, or the conditions do not hash to the
                fingerprint.
        """
        import pandas as pd

        try:
            facts = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
            samples = pd.read_parquet(folder / SAMPLES_FILE)
            found = Evaluation(
                conditions=facts["conditions"],
                fingerprint=facts["fingerprint"],
                scores={
                    task: Score(**{**score, "ci95": tuple(score["ci95"])})
                    for task, score in facts["scores"].items()
                },
                samples=samples,
                notes=tuple(facts["notes"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise step_failed(
                f"the evaluation in {folder} cannot be read: {error}",
                "a file is missing or was changed",
                "delete that folder and run again: the model is scored anew",
            ) from None
        if fingerprint(found.conditions) != found.fingerprint or set(samples) != set(COLUMNS):
            raise step_failed(
                f"the evaluation in {folder} is not what was written",
                "its conditions do not match their fingerprint, or items lack columns",
                "delete that folder and run again: the model is scored anew",
            )
        return found


def fingerprint(conditions: dict[str, Any]) -> str:
    """16 hex digits over the conditions, whatever the order of their keys."""
    text = json.dumps(conditions, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
