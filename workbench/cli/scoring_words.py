"""What ``workbench check`` says of scoring: items, hours, memory and data sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite
    from workbench.recipe.estimate import Estimate
    from workbench.recipe.plan import Plan
    from workbench.recipe.scoring_cost import ScoringCost

#: Of a suite of many tasks, those that take the longest are named.
NAMED = 3


def to_score(plan: Plan, home: Path) -> set[str]:
    """The ids of all bases and outputs whose evaluation is not in ``home`` yet."""
    from workbench.engine.scoring import Scorer
    from workbench.errors import StepFailed
    from workbench.store.home import Home

    of = (Scorer.of(plan, Home(home)), Scorer.with_template(plan, Home(home)))
    scorers = [scorer for scorer in of if scorer is not None]
    ahead = set()
    for node in plan.nodes.values() if scorers else ():
        try:
            there = all(scorer.is_scored(node) for scorer in scorers)
        except StepFailed:
            there = False  # damaged: the run says so
        if not there:
            ahead.add(node.id)
    return ahead


def cached_data(plan: Plan) -> set[str]:
    """The data sets of the plan's suite that are whole in the local cache, by their hub id."""
    from workbench.evaluate.data_sets import data_sets

    sets = data_sets(plan.suite) if plan.suite is not None else []
    return {each.path for each in sets} - {each.path for each in sets if not each.cached}


def scoring_line(
    plan: Plan,
    estimates: Mapping[str, Estimate],
    scored: Collection[str],
    cached: Collection[str] = (),
) -> str | None:
    """One line on scoring the nodes ``scored``; ``None`` where the recipe scores nothing.

    ``cached`` are the hub ids of data sets that need not be fetched.
    """
    from workbench.cli.progress import duration
    from workbench.recipe.scoring_cost import data_bytes
    from workbench.recipe.sizes import human_bytes
    from workbench.terminal import printable

    if plan.suite is None:
        return None
    costs = [cost for i in plan.nodes if i in scored and (cost := estimates[i].scoring)]
    done = len(plan.nodes) - len(scored)
    words = [f"scored on: {printable(plan.suite.name)} ({_asked(plan.suite, costs)})"]
    if costs:
        seconds = [cost.seconds for cost in costs]
        least, most = duration(min(seconds)), duration(max(seconds))
        each = most if least == most else f"{least} to {most}"
        models = "1 model" if len(costs) == 1 else f"{len(costs)} models"
        whole = f"{duration(sum(seconds))} for {models}"
        about = "at most" if any(cost.at_most for cost in costs) else "about"
        words.append(f"{about} {each} a model, {whole}{_slowest(costs)}")
        largest = max(costs, key=lambda cost: cost.on_a_card)
        place = " on one card" if largest.cards > 1 else ""
        size = largest.batch_size
        words.append(
            f"memory: {human_bytes(largest.weights)} of weights + {human_bytes(largest.held)}"
            f"{place} for {size} item{'s' if size > 1 else ''} at a time"
        )
        if fetched := data_bytes(costs, cached):
            words.append(f"data sets: about {human_bytes(fetched)} to fetch")
    if done:
        words.append(f"{done} scored already")
    if len(scored) > len(costs):
        words.append(f"{len(scored) - len(costs)} of unknown size")
    return "; ".join(words)


def _asked(suite: Suite, costs: list[ScoringCost]) -> str:
    entries = "1 task" if len(suite.tasks) == 1 else f"{len(suite.tasks)} tasks"
    if not costs:
        return entries
    # With parents_whole the bases are asked more than what is made of them.
    items = sorted({cost.items for cost in costs})
    whole = max(cost.of for cost in costs)
    part = f" of {whole:,}" if items[0] < whole else ""
    more = f" (of bases {items[-1]:,})" if len(items) > 1 else ""
    both = any(cost.templates > 1 for cost in costs)
    ways = ", without and with the chat template" if both else ""
    missing = costs[0].unknown
    unknown = f", {', '.join(missing)} not counted" if missing else ""
    return f"{entries}, {items[0]:,}{part} items{more}{ways}{unknown}"


def _slowest(costs: list[ScoringCost]) -> str:
    """Which tasks take the time, where there are more than a few."""
    tasks = costs[0].tasks
    whole = sum(tasks.values())
    if len(tasks) <= NAMED or not whole:
        return ""
    longest = sorted(tasks, key=lambda task: -tasks[task])[:NAMED]
    return f" ({', '.join(f'{task} {tasks[task] / whole:.0%}' for task in longest)})"
