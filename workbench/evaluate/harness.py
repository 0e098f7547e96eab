"""Scoring a model: lm-eval in this process, on a model in memory, tasks built once for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.evaluate.asked import Asked
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.prepared import prepared
from workbench.evaluate.suites import Suite, suite_identity
from workbench.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from workbench.evaluate.result import Evaluation
    from workbench.evaluate.scorer import Scorer
    from workbench.evaluate.stopping import Stopping


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    suite: Suite,
    settings: EvaluateConfig,
    *,
    precision: dict[str, Any],
    progress: Progress,
    label: str = "evaluate",
    whole: bool = False,
    stopping: Stopping | None = None,
) -> Evaluation:
    """Score ``model`` on ``suite``; ``settings`` override what the suite says.

    Each task is scored on its own, as ``lm_eval --tasks TASK --seed SEED`` does, so that adding a
    task to a suite changes no other's batches. ``precision`` says what the caller knows of the
    weights' number format; it becomes part of the conditions. Neither model, tokenizer nor random
    generators are changed.

    A limit, and each look that ``settings.sequential`` asks for, is the beginning of one order of a
    task's items; with ``whole`` the rest of the items are scored after it. ``stopping`` is asked
    after each look; a task is not scored further once it calls all of the task's scores clear.
    Without it, all looks are taken.

    Raises:
        UserError: the suite names what does not exist, or does not fit the model.
        StepFailed: out of memory, scores that are no numbers, or data that cannot be had.
    """
    from workbench.evaluate.conditions import conditions_of
    from workbench.evaluate.quiet import quiet_harness, seeded
    from workbench.evaluate.scorer import Scorer

    chat = settings.apply_chat_template
    if chat == "both":
        raise ValueError("one evaluation is with the chat template or without it")
    apply_chat_template = suite.apply_chat_template if chat is None else chat
    # Tasks do not depend on the template: scored without and with it, they are built once.
    settings = settings.model_copy(update={"apply_chat_template": None})
    ready = prepared(suite, settings, suite_identity(suite)["sha256"])
    asked = [Asked(ready, built, ready.parts(built, whole)) for built in ready.tasks]
    with quiet_harness() as heard, seeded(ready.seed):
        scorer = Scorer(model, tokenizer, ready.batch_size)
        conditions = conditions_of(
            scorer,
            ready.tasks,
            suite=ready.suite,
            apply_chat_template=apply_chat_template,
            batch_size=ready.batch_size,
            seed=ready.seed,
            precision=precision,
        )
        if stopping is None:
            with progress.bar(label, sum(each.parts[-1] for each in asked)) as tick:
                for each in asked:
                    while each.goes_on:
                        each.ask(scorer, apply_chat_template, tick)
        else:
            _look_after_look(
                asked, scorer, apply_chat_template, stopping, conditions, progress, label
            )
    made = _evaluation(asked, conditions, stopping)
    if heard.truncated:
        note = "prompts longer than the model's window were cut on the left"
        made = replace(made, notes=(*made.notes, note))
    return made


def _look_after_look(
    asked: list[Asked],
    scorer: Scorer,
    apply_chat_template: bool,
    stopping: Stopping,
    conditions: dict[str, Any],
    progress: Progress,
    label: str,
) -> None:
    looks = max(len(each.parts) for each in asked)
    for look in range(1, looks + 1):
        going = [each for each in asked if each.goes_on]
        if not going:
            return
        total = sum(each.next_count for each in going)
        with progress.bar(f"{label}, look {look} of {looks}", total) as tick:
            for each in going:
                each.ask(scorer, apply_chat_template, tick)
        if look < looks:
            clear = set(stopping.clear(_evaluation(asked, conditions, stopping)))
            for each in going:
                # Scores of one pass go on together: what one still needs, the others get too.
                if clear.issuperset(each.built.score_names().values()):
                    each.settle()


def _evaluation(
    asked: list[Asked], conditions: dict[str, Any], stopping: Stopping | None
) -> Evaluation:
    """What all the answers so far come to."""
    from workbench.evaluate.conditions import with_parts
    from workbench.evaluate.items import frame
    from workbench.evaluate.result import Evaluation, Score, fingerprint

    conditions = with_parts(conditions, {each.built.name: each.done for each in asked})
    scores: dict[str, Score] = {}
    looks: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for each in asked:
        found = each.rows()
        z = stopping.quantile(each.parts, len(each.done)) if stopping else None
        for metric, name in each.built.score_names().items():
            scores[name] = each.score(metric, [row for row in found if row["task"] == name], z)
            if stopping:
                looks[name] = {"look": len(each.done), **stopping.design(each.parts)}
        rows += found
        notes += each.notes()
    return Evaluation(conditions, fingerprint(conditions), scores, frame(rows), tuple(notes), looks)
