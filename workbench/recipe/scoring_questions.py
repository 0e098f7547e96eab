"""What a suite asks of one model: items, passes, and tokens read and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.sampling import allocate
from workbench.evaluate.suites import Suite, SuiteTask
from workbench.recipe.rows import CHARACTERS, SMALL_VOCABULARY
from workbench.recipe.scoring_items import local_facts
from workbench.recipe.scoring_tasks import TaskFacts, facts_of

#: Tokens that ChatML and its like put around a question or an example: two messages.
CHAT_TOKENS = 10
#: The longest prompts of a task: three times the mean question, but no more than so many tokens
#: above it, after examples so much longer than the mean.
LONG_QUESTION, LONGER, LONG_EXAMPLES = 3.0, 1000.0, 1.2


@dataclass(frozen=True)
class Asked:
    """One task as a suite's ``entry`` asks it. ``items`` of its ``of`` are scored.

    ``requests`` an item are tokenised and ``passes`` of them run. A pass reads ``prompt`` tokens,
    the longest ``longest``, each ``chat`` more in a chat template. An item has ``generated`` tokens
    written and ``most`` at most: 0 where answers are chosen.
    """

    task: str
    entry: str
    items: int
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


def questions(
    suite: Suite, settings: EvaluateConfig, vocabulary: int, *, whole: bool = False
) -> Questions:
    """What ``suite`` asks of a model with so many tokens, under ``settings``.

    ``whole``: all items whatever the limits. Of a scoring in looks it is what all looks ask.
    """
    local = suite.local_tasks()
    # The figures of lm-eval's tasks are for vocabularies of tens of thousands.
    scale = CHARACTERS if vocabulary < SMALL_VOCABULARY else 1.0
    asked: list[Asked] = []
    unknown: list[str] = []
    for entry in suite.tasks:
        limit = settings.limit if settings.limit is not None else entry.limit
        limit = None if whole else limit
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
    """Each task of an entry; its members share the limit."""
    shares = {task.task: task.items for task in facts}
    if limit is not None:
        shares = allocate(limit, shares)
    for task in facts:
        # One that stands for many, as mmlu does, has an item of each at least.
        items = min(task.items, max(task.members, shares[task.task]))
        shots = task.shots if entry.num_fewshot is None else entry.num_fewshot
        choices = task.choices or 1.0
        most = entry.max_gen_toks or task.most or 0
        beside, examples = task.before + task.answer, shots * task.shot
        question = min(LONG_QUESTION * task.question, task.question + LONGER)
        yield Asked(
            task=task.task,
            entry=entry.task,
            items=items,
            of=task.items,
            requests=choices,
            passes=min(choices, task.passes or choices),
            prompt=scale * (beside + examples + task.question),
            longest=scale * (beside + LONG_EXAMPLES * examples + question),
            chat=CHAT_TOKENS * (1 + shots),
            generated=min(scale * (task.generated or 0.0), most),
            most=most if task.generated else 0,
            data=task.data or None,
        )
