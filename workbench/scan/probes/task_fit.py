"""What of an lm-eval task a scan can use: its kind, its filter, its metrics and their floors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, UserError, user_error
from workbench.scan.probes.task_check import OUTPUT_TYPES

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task


def check_kind(name: str, task: Task) -> None:
    """Raise ``UserError`` for a task that a scan cannot ask at all."""
    refused = {
        "runs code that a model wrote": getattr(task, "UNSAFE_CODE", False),
        "shows pictures or sounds": getattr(task, "MULTIMODAL", False),
        f"is of the kind {task.OUTPUT_TYPE}": task.OUTPUT_TYPE not in OUTPUT_TYPES,
    }
    problems = [
        Problem(f"task {name} {what}", "a scan cannot do that", "choose another task")
        for what, so in refused.items()
        if so
    ]
    if problems:
        raise UserError(problems)


def check_requests(name: str, asked: Iterable[list[Instance]]) -> None:
    """Raise ``UserError`` unless each item is one generation, or likelihoods only."""
    for requests in asked:
        kinds = {request.request_type for request in requests}
        if len(kinds) > 1 or (kinds == {"generate_until"} and len(requests) > 1):
            raise user_error(
                f"task {name} asks {len(requests)} things of an item: {', '.join(sorted(kinds))}",
                "a probe asks for likelihoods, or for one text",
                "choose another task",
            )


def chosen_filter(name: str, task: Task, wanted: str | None) -> Any:
    """The task's answer filter of that name, else its first; ``UserError`` if there is none."""
    filters = {str(each.name): each for each in task._filters}
    if wanted is None:
        return next(iter(filters.values()))
    if wanted in filters:
        return filters[wanted]
    raise user_error(
        f"task {name} has no filter {wanted!r}",
        f"it has {', '.join(filters)}",
        "name one of these with filter:",
    )


def usable_metrics(name: str, task: Task, first: str | None) -> dict[str, tuple[str, float]]:
    """Metric -> (the task's name of it, factor), those with a value an item, more being better.

    Perplexities become the log-likelihood behind them: ``minus_log_`` or ``minus_`` before the
    task's name. Where less is better the sign is turned, under the same prefix. ``first`` goes to
    the front.

    Raises:
        UserError: there is no such metric, or none that an item has a value of.
    """
    from lm_eval.api.metrics import mean

    per_item = {
        "perplexity": ("minus_log_perplexity", 1.0),
        "word_perplexity": ("minus_log_word_perplexity", 1.0),
        "byte_perplexity": ("minus_log_byte_perplexity", 1.0),
        "bits_per_byte": ("minus_bits_per_byte", 1 / math.log(2)),
    }
    better = task.higher_is_better()
    usable: dict[str, tuple[str, float]] = {}
    for metric, aggregation in task.aggregation().items():
        if metric in per_item and aggregation is not mean:
            called, factor = per_item[metric]
            usable[called] = (metric, factor)
        elif aggregation is mean:
            up = better.get(metric, True) is not False
            usable[metric if up else f"minus_{metric}"] = (metric, 1.0 if up else -1.0)
    if first is not None:
        named = [k for k, (source, _) in usable.items() if first in (k, source)]
        if not named:
            raise user_error(
                f"task {name} has no metric {first!r} that an item has a value of",
                f"it has {', '.join(usable) or 'none'}",
                "name one of these" if usable else "choose another task",
            )
        usable = {named[0]: usable[named[0]], **usable}
    if not usable:
        raise user_error(
            f"task {name} has no metric that an item has a value of",
            "paths are compared item by item",
            "choose another task",
        )
    return usable


def value(raw: Any, factor: float) -> float:
    """One item's score; of a (log-likelihood, weight) pair the likelihood per weight."""
    if isinstance(raw, tuple):
        likelihood, weight = raw
        raw = likelihood / weight if weight else math.nan
    return float(raw) * factor


def floors(task: Task, metrics: Sequence[str]) -> dict[str, float]:
    """What picking an option blindly scores, for tasks with options."""
    if task.OUTPUT_TYPE != "multiple_choice":
        return {}
    docs = list(task.eval_docs)
    chance = math.fsum(1 / len(task.doc_to_choice(doc)) for doc in docs) / len(docs)
    return {metric: chance for metric in ("acc", "acc_norm", "acc_bytes") if metric in metrics}
