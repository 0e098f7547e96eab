"""What a run knows of one base or output, as far as it has come: state, filled step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation
    from workbench.recipe.plan import Node


@dataclass
class Templated:
    """The second evaluation of a model, with its chat template, where a recipe asks for both.

    ``evaluation`` is ``None`` where the model has no template; ``missing`` then says so.
    """

    evaluation: Evaluation | None
    missing: str = ""
    scoring: Mapping[str, Any] = field(default_factory=dict)
    versus: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    points: dict[str, Any] = field(default_factory=dict)
    points_versus: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What ``results.json`` holds under ``with_chat_template``."""
        if self.evaluation is None:
            return {"missing": self.missing}
        return {
            "scores": {task: score.as_dict() for task, score in self.evaluation.scores.items()},
            **({"looks": self.evaluation.looks} if self.evaluation.looks else {}),
            "versus": self.versus,
            "refused": self.refused,
            "points": self.points,
            "points_versus": self.points_versus,
            "conditions": self.evaluation.conditions,
            "notes": list(self.evaluation.notes),
            "scoring_seconds": self.scoring.get("seconds"),
        }


@dataclass
class Entry:
    """One base or output of a run, as far as it has come."""

    node: Node
    facts: dict[str, Any]
    path: Path | None
    reused: bool
    evaluation: Evaluation | None = None
    #: Its scores on all items, where they are known; else ``evaluation`` again.
    known: Evaluation | None = None
    scoring: dict[str, Any] = field(default_factory=dict)
    estimates: dict[str, Any] = field(default_factory=dict)
    versus: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    with_template: Templated | None = None
    points: dict[str, Any] = field(default_factory=dict)
    points_versus: dict[str, Any] = field(default_factory=dict)
    effects: dict[str, Any] = field(default_factory=dict)
    reproductions: list[dict[str, Any]] = field(default_factory=list)
