"""Scoring a model a second time, with its chat template, where a recipe asks for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.entry import Templated

if TYPE_CHECKING:
    from workbench.engine.scoring import Scorer
    from workbench.engine.steps import Bench
    from workbench.recipe.plan import Node


def score_with_template(scorer: Scorer, bench: Bench, node: Node) -> Templated:
    """Score ``node`` with its chat template, or say that it has none."""
    from workbench.engine.realise import tokenizer_of

    if not getattr(tokenizer_of(bench.specs[node.id]), "chat_template", None):
        words = f"{node.name} has no chat template: scored without one only"
        bench.progress.line(f"note: {words}")
        return Templated(None, words)
    evaluation, facts = scorer.evaluated(bench, node)
    return Templated(evaluation, scoring=facts)
