"""What a suite asks of one model: items, passes, and tokens read and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.suites import Suite, SuiteTask
from workbench.recipe.rows import CHARACTERS, SMALL_VOCABULARY
from workbench.recipe.scoring_items import local_facts
from workbench.recipe.scoring_tasks import TaskFacts, facts_of

#: Tokens that ChatML and its like put around a question or an example: two messages.
CHAT_TOKENS = 10
#: The longest prompts of a task: so many times the mean question, after examples so much longer
#: than the mean.
LONG_QUESTION, LONG_EXAMPLES = 3.0, 1.2


@dataclass(frozen=True)
class Asked:
    """One task as a suite's ``entry`` asks it. ``items`` of its ``of`` are scored.

    ``requests`` an item are tokenised and ``passes`` of them run. A pass reads ``prompt`` tokens,
    the longest ``longest``, each ``chat`` more in a chat template. An item has ``generated`` tokens
    written and ``most`` at most: 0 where answers are chosen.
    """

    task: str
    entry: str
    items: float
    of: int
    requests: float
    passes: float
    prompt: float
    longest: float
    chat: float
    generated: float
    most: int
    data: str | None


@dataclass(frozen=True)
class Questions:
    """All that a suite asks of a model once, and the tasks of which nothing is known."""

    asked: tuple[Asked, ...]
    unknown: tuple[str, ...]


def questions(suite: Suite, settings: EvaluateConfig, vocabulary: int) -> Questions:
    """What ``suite`` asks of a model with so many tokens, under ``settings``."""
    local = suite.local_tasks()
    # The figures of lm-eval's tasks are for vocabularies of tens of thousands.
    scale = CHARACTERS if vocabulary < SMALL_VOCABULARY else 1.0
    asked: list[Asked] = []
    unknown: list[str] = []
    for entry in suite.tasks:
        limit = settings.limit if settings.limit is not None else entry.limit
        if entry.task in local:
            facts = local_facts(local[entry.task], vocabulary)
            asked += _asked(entry, [facts] if facts else [], limit, 1.0)
        else:
            facts_known = facts_of(entry.task)
            asked += _asked(entry, facts_known, limit, scale)
            facts = facts_known[0] if facts_known else None
        if facts is None:
            unknown.append(entry.task)
    return Questions(tuple(asked), tuple(unknown))


def _asked(
    entry: SuiteTask, facts: list[TaskFacts], limit: int | None, scale: float
) -> Iterator[Asked]:
    """Each task of an entry; its members share the limit by size, and none gets nothing."""
    whole = sum(task.items for task in facts)
    for task in facts:
        items: float = task.items
        if limit is not None:
            items = min(items, max(task.members, limit * task.items / whole))
        shots = task.shots if entry.num_fewshot is None else entry.num_fewshot
        choices = task.choices or 1.0
        most = entry.max_gen_toks or task.most or 0
        beside, examples = task.before + task.answer, shots * task.shot
        longest = beside + LONG_EXAMPLES * examples + LONG_QUESTION * task.question
        yield Asked(
            task=task.task,
            entry=entry.task,
            items=items,
            of=task.items,
            requests=choices,
            passes=min(choices, task.passes or choices),
            prompt=scale * (beside + examples + task.question),
            longest=scale * longest,
            chat=CHAT_TOKENS * (1 + shots),
            generated=min(scale * (task.generated or 0.0), most),
            most=most if task.generated else 0,
            data=task.data or None,
        )
