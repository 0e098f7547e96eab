"""What a study can tell, before anything is made: its families, bases, seeds and items counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.recipe.scoring_questions import questions
from workbench.study.groups import sizes

if TYPE_CHECKING:
    from workbench.recipe.plan import Plan
    from workbench.study.power import Power

#: Any vocabulary of a real base: it sets how many tokens an item has, and not how many items.
_VOCABULARY = 32_000


@dataclass(frozen=True)
class Judged:
    """The items that count: ``items`` of all tasks, of which the outcome rests on ``half``.

    ``unknown`` are tasks whose items cannot be counted before they are downloaded.
    """

    items: int
    unknown: tuple[str, ...]

    @property
    def half(self) -> int:
        """The other half chooses rates and gives the score before."""
        return self.items // 2


def judged(plan: Plan) -> Judged:
    """How many items the study of ``plan`` scores each output on."""
    if plan.study is None or plan.suite is None or plan.evaluate is None:
        return Judged(0, ())
    found = questions(plan.suite, plan.evaluate, _VOCABULARY)
    counted = sum(each.items for each in found.asked if each.entry in plan.study.tasks)
    return Judged(counted, tuple(task for task in found.unknown if task in plan.study.tasks))


def families_of(plan: Plan) -> dict[str, dict[str, int]]:
    """How many bases of each family each group has."""
    study = plan.study
    return sizes(study.bases.values(), study.config) if study is not None else {}


def power_of(plan: Plan) -> Power | None:
    """What the design can tell at the spread that the recipe assumes; ``None`` without a study."""
    study = plan.study
    if study is None:
        return None
    from workbench.study.power import design_power

    return design_power(
        families_of(plan),
        seeds=len(study.seeds),
        items=judged(plan).half,
        spread=study.config.spread,
        asked=study.config.asked,
        alpha=study.config.alpha,
        power=study.config.power,
    )
