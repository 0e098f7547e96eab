"""The second evaluation of a model, with its chat template, where a recipe asks for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.engine.scoring import Scorer
    from workbench.engine.steps import Bench
    from workbench.evaluate.result import Evaluation
    from workbench.recipe.plan import Node


@dataclass
class Templated:
    """``evaluation`` is ``None`` where the model has no template; ``missing`` then says so."""

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


def score_with_template(scorer: Scorer, bench: Bench, node: Node) -> Templated:
    """Score ``node`` with its chat template, or say that it has none."""
    from workbench.engine.realise import tokenizer_of

    if not getattr(tokenizer_of(bench.specs[node.id]), "chat_template", None):
        words = f"{node.name} has no chat template: scored without one only"
        bench.progress.line(f"note: {words}")
        return Templated(None, words)
    evaluation, facts = scorer.evaluated(bench, node)
    return Templated(evaluation, scoring=facts)
