"""What a study can tell, before anything is made: its families, bases, seeds and items counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.recipe.scoring_questions import questions
from workbench.recipe.study_tasks import scored_tasks
from workbench.study.design.groups import sizes

if TYPE_CHECKING:
    from workbench.recipe.plan import Plan
    from workbench.study.statistics.power import Power

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
    tasks = set(plan.study.tasks)
    whole = {name for name, of in scored_tasks(plan.suite).items() if tasks.issuperset(of)}
    items = sum(each.items for each in found.asked if each.task in tasks or each.entry in whole)
    # Of some groups only the sum is known: one member alone is then not counted.
    known = {name for each in found.asked for name in (each.task, each.entry)}
    named = plan.study.config.tasks or [entry.task for entry in plan.suite.tasks]
    return Judged(items, tuple(name for name in named if name not in known))


def families_of(plan: Plan) -> dict[str, dict[str, int]]:
    """How many bases of each family each group has."""
    study = plan.study
    return sizes(study.bases.values(), study.config) if study is not None else {}


def power_of(plan: Plan) -> Power | None:
    """What the design can tell at the spread that the recipe assumes; ``None`` without a study."""
    study = plan.study
    if study is None:
        return None
    from workbench.study.statistics.power import design_power

    return design_power(
        families_of(plan),
        seeds=len(study.seeds),
        items=judged(plan).half,
        spread=study.config.spread,
        asked=study.config.asked,
        alpha=study.config.alpha,
        power=study.config.power,
    )
