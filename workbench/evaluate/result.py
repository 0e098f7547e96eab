"""What a scoring leaves behind: scores with intervals, every item, and the conditions."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
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

    ``ci95`` is for the mean over all such items, of which these are taken for a sample: it does not
    shrink to nothing where a whole task was scored. ``method`` names the interval; ``n`` counts
    items, ``of`` those that the whole task has, where it is known (where an item has several parts
    and not all items were asked: as many as there would be at the sample's number of parts).
    """

    metric: str
    value: float
    ci95: tuple[float, float]
    n: int
    method: str
    of: int | None = None

    @property
    def is_estimate(self) -> bool:
        """Whether it stands for more items than were scored."""
        return self.of is not None and self.n < self.of

    def as_dict(self) -> dict[str, Any]:
        """The score as ``results.json`` holds it; an interval without bounds has null ends."""
        ends = [end if math.isfinite(end) else None for end in self.ci95]
        return {**asdict(self), "ci95": ends}

    @staticmethod
    def of_dict(facts: Mapping[str, Any]) -> Score:
        """What :meth:`as_dict` gave."""
        low, high = facts["ci95"]
        ends = (-math.inf if low is None else low, math.inf if high is None else high)
        return Score(**{**facts, "ci95": ends})


@dataclass(frozen=True)
class Evaluation:
    """One model on one suite.

    ``conditions`` holds all that the scores depend on beside the weights, and ``fingerprint`` is
    its hash. Two evaluations may be compared if their conditions are equal, or differ in this only:
    ``parts`` of a task, the numbers of items after which its questions were put together in new
    batches, begin alike, and one of the two went on after that. ``notes`` say what a reader of the
    scores should know, such as a model that gives every item the same answer.

    ``looks`` is empty unless the scoring could end early on account of what it showed: then it
    holds for each score at which look that was, and the design that was laid down before.
    """

    conditions: dict[str, Any]
    fingerprint: str
    scores: dict[str, Score]
    samples: pd.DataFrame
    notes: tuple[str, ...] = field(default=())
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json`` and ``samples.parquet`` into an existing folder."""
        facts = {
            "conditions": self.conditions,
            "fingerprint": self.fingerprint,
            "scores": {task: score.as_dict() for task, score in self.scores.items()},
            "notes": list(self.notes),
            "looks": self.looks,
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
                scores={task: Score.of_dict(score) for task, score in facts["scores"].items()},
                samples=samples,
                notes=tuple(facts["notes"]),
                looks=facts["looks"],
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
