"""What the layers do and what the chat template does, measured apart.

Every model is scored without and with its chat template. Then three questions have answers of
their own: what the output gains on its parent, each under both conditions (the effect of the
treatment, such as duplicated layers); what the template changes in each model, on the same items
asked in other words (the template is the treatment there); and how far the one depends on the
other (the interaction: the output's gain with the template less its gain without).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.compare.paired import unequal
from workbench.errors import Problem, StepFailed
from workbench.leaderboard.reproduce.contrast import Weighted, contrast
from workbench.leaderboard.reproduce.formula import Formula, formulas
from workbench.leaderboard.reproduce.items import Items

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation

#: What conditions say of a chat template that was left out.
NOT_APPLIED = "not applied"

Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Both:
    """A model's two evaluations; ``with_template`` is ``None`` where it has no template."""

    without: Items
    with_template: Items | None

    @staticmethod
    def of(without: Evaluation, with_template: Evaluation | None) -> Both:
        """From the evaluations themselves."""
        return Both(Items(without), Items(with_template) if with_template else None)

    def under(self, template: bool) -> Items | None:
        """The items with the template, or without it."""
        return self.with_template if template else self.without


def effects(
    output: Both, parents: Mapping[str, Both], scheme: str | None
) -> tuple[dict[str, Any], list[str]]:
    """``{template, against: {parent: {without, with, interaction}}}`` and what was refused.

    Each holds an effect for every figure (points by benchmark with a ``scheme``, else scores by
    task): ``value ci95 p n method``. What cannot be measured is left out.
    """
    found: dict[str, Any] = {"template": {}, "against": {}}
    refused: list[str] = []
    of = formulas(list(output.without.scores), scheme)

    def measured(what: str, evaluations: list[tuple[float, Items | None]]) -> Figures:
        there: list[Weighted] = [(w, each) for w, each in evaluations if each is not None]
        if len(there) < len(evaluations):
            return {}
        try:
            check_alike([each for _, each in there])
            return _each(there, of)
        except StepFailed as error:
            refused.extend(f"{what}: {problem.fact}" for problem in error.problems)
            return {}

    found["template"] = measured(
        "the template's effect", [(1, output.with_template), (-1, output.without)]
    )
    for name, parent in parents.items():
        pairs: dict[str, list[tuple[float, Items | None]]] = {
            "without": [(1.0, output.without), (-1.0, parent.without)],
            "with": [(1.0, output.with_template), (-1.0, parent.with_template)],
            "interaction": [
                (1.0, output.with_template),
                (-1.0, output.without),
                (-1.0, parent.with_template),
                (1.0, parent.without),
            ],
        }
        found["against"][name] = {
            what: measured(f"{name}, {what}", evaluations) for what, evaluations in pairs.items()
        }
    return found, refused


def check_alike(evaluations: Sequence[Items]) -> None:
    """Whether the evaluations differ in nothing but the chat template, which is one and the same.

    Nor may one have ended early: the intervals are those of samples laid down before.

    Raises:
        StepFailed: each other difference.
    """
    conditions = [each.evaluation.conditions for each in evaluations]
    others = {
        difference: None
        for each in conditions[1:]
        for difference in unequal(conditions[0], each)
        if not difference.startswith("chat_template:")
    }
    if any(each.evaluation.looks for each in evaluations):
        others["a scoring could end early on account of its scores"] = None
    templates = {str(each.get("chat_template")) for each in conditions} - {NOT_APPLIED}
    if len(templates) > 1:
        others["the models bring different chat templates"] = None
    if others:
        raise StepFailed(
            Problem(f"not measured: {other}", "an effect needs all else equal", "")
            for other in others
        )


def _each(evaluations: list[Weighted], of: Mapping[str, Formula]) -> Figures:
    return {name: contrast(evaluations, formula).as_dict() for name, formula in of.items()}
