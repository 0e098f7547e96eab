"""Scoring a model: lm-eval in this process, on a model in memory, tasks built once for all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.suites import Suite, suite_identity
from workbench.progress import Progress, Tick

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from workbench.evaluate.result import Evaluation, Score
    from workbench.evaluate.scorer import Scorer
    from workbench.evaluate.tasks import BuiltTask


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    suite: Suite,
    settings: EvaluateConfig,
    *,
    precision: dict[str, Any],
    progress: Progress,
    label: str = "evaluate",
) -> Evaluation:
    """Score ``model`` on ``suite``; ``settings`` override what the suite says.

    Each task is scored on its own, as ``lm_eval --tasks TASK --seed SEED`` does, so that adding a
    task to a suite changes no other's batches. ``precision`` says what the caller knows of the
    weights' number format; it becomes part of the conditions. Neither model, tokenizer nor random
    generators are changed.

    Raises:
        UserError: the suite names what does not exist, or does not fit the model.
        StepFailed: out of memory, scores that are no numbers, or data that cannot be had.
    """
    from workbench.evaluate.conditions import conditions_of
    from workbench.evaluate.items import frame
    from workbench.evaluate.quiet import quiet_harness, seeded
    from workbench.evaluate.result import Evaluation, fingerprint
    from workbench.evaluate.scorer import Scorer

    chat = settings.apply_chat_template
    if chat == "both":
        raise ValueError("one evaluation is with the chat template or without it")
    apply_chat_template = suite.apply_chat_template if chat is None else chat
    # Tasks do not depend on the template: scored without and with it, they are built once.
    settings = settings.model_copy(update={"apply_chat_template": None})
    ready = _prepared(suite, settings, suite_identity(suite)["sha256"])
    scores: dict[str, Score] = {}
    rows, notes = [], []
    counts = {built.name: ready.count(built) for built in ready.tasks}
    with quiet_harness() as heard, seeded(ready.seed):
        scorer = Scorer(model, tokenizer, ready.batch_size)
        conditions = conditions_of(
            scorer,
            ready.tasks,
            suite=ready.suite,
            limits=ready.limits,
            apply_chat_template=apply_chat_template,
            batch_size=ready.batch_size,
            seed=ready.seed,
            precision=precision,
        )
        with progress.bar(label, sum(counts.values())) as tick:
            for built in ready.tasks:
                task_scores, task_rows, task_notes = _score(
                    ready,
                    scorer,
                    built,
                    _ItemTicks(tick, built, counts[built.name]),
                    apply_chat_template,
                )
                scores |= task_scores
                rows += task_rows
                notes += task_notes
    if heard.truncated:
        notes.append("prompts longer than the model's window were cut on the left")
    return Evaluation(conditions, fingerprint(conditions), scores, frame(rows), tuple(notes))


class _Prepared:
    """A suite's tasks in memory, ready to score one model after another."""

    def __init__(self, suite: Suite, settings: EvaluateConfig, sha256: str) -> None:
        from workbench.evaluate.quiet import quiet_harness, seeded
        from workbench.evaluate.tasks import build_tasks

        self.batch_size = settings.batch_size or suite.batch_size
        self.seed = settings.seed
        self.suite = {"name": suite.name, "sha256": sha256}
        with quiet_harness(), seeded(self.seed):
            self.tasks = build_tasks(suite, self.seed)
        self.limits = {
            built.name: settings.limit if settings.limit is not None else built.entry.limit
            for built in self.tasks
        }

    def count(self, built: BuiltTask) -> int:
        """How many items of a task are scored."""
        available = len(built.task.eval_docs)
        return min(self.limits[built.name] or available, available)


# The hash is in the key so that a suite whose files were edited is read anew.
@functools.lru_cache(maxsize=4)
def _prepared(suite: Suite, settings: EvaluateConfig, sha256: str) -> _Prepared:
    return _Prepared(suite, settings, sha256)


def _score(
    ready: _Prepared,
    scorer: Scorer,
    built: BuiltTask,
    ticks: _ItemTicks,
    apply_chat_template: bool,
) -> tuple[dict[str, Score], list[dict[str, Any]], list[str]]:
    """One pass over a task: a score for each of its metrics, the items' rows, and notes."""
    import lm_eval.evaluator
    import torch

    from workbench.evaluate.items import notes_on, rows_of
    from workbench.evaluate.quiet import seeded

    _check_window(scorer, built)
    scorer.on_answer(ticks.answered)
    try:
        with seeded(ready.seed):
            results = lm_eval.evaluator.evaluate(
                lm=scorer,
                task_dict={"tasks": {built.name: built.task}},
                limit=ready.limits[built.name],
                # No standard errors: the intervals here are better, and theirs take time.
                bootstrap_iters=0,
                apply_chat_template=apply_chat_template,
                fewshot_as_multiturn=apply_chat_template,
            )
    except torch.OutOfMemoryError as error:
        raise step_failed(
            f"out of memory while scoring {built.name}",
            str(error).split("\n")[0][:200],
            f"set batch_size under evaluate below {ready.batch_size}; parents are then scored "
            "again at the same size",
        ) from error
    samples = results["samples"][built.name]
    rows = rows_of(built, samples)
    ticks.finish()
    values = results["results"][built.name]
    scores = {
        name: _summary(metric, values[built.key(metric)], [r for r in rows if r["task"] == name])
        for metric, name in built.score_names().items()
    }
    return scores, rows, list(notes_on(built, samples))


def _summary(metric: str, value: Any, rows: list[dict[str, Any]]) -> Score:
    """A metric's score: lm-eval's own value, and its interval from the items' rows."""
    from workbench.evaluate.intervals import mean_interval
    from workbench.evaluate.result import Score

    clusters = [row["cluster"] for row in rows]
    interval, method = mean_interval(
        [row["score"] for row in rows], clusters if any(clusters) else None
    )
    return Score(metric, float(value), interval, len(rows), method)


def _check_window(scorer: Scorer, built: BuiltTask) -> None:
    generation = built.task.get_config("generation_kwargs") or {}
    wanted = generation.get("max_gen_toks", scorer.max_gen_toks)
    if built.task.OUTPUT_TYPE == "generate_until" and wanted >= scorer.max_length:
        raise step_failed(
            f"{built.name} generates up to {wanted} tokens and the model's window has "
            f"{scorer.max_length}",
            "no room is left for the prompt",
            "set max_gen_toks for the task in the suite",
        )


class _ItemTicks:
    """Moves the bar on by items while lm-eval answers requests, of which an item may have many."""

    def __init__(self, tick: Tick, built: BuiltTask, items: int) -> None:
        self._tick: Callable[..., None] = tick
        self._built = built
        self._items = items
        self._requests = 0
        self._shown = 0

    def answered(self) -> None:
        self._requests += 1
        self._show(self._requests * self._items // max(1, len(self._built.task.instances)))

    def finish(self) -> None:
        self._show(self._items)

    def _show(self, items: int) -> None:
        if items > self._shown:
            self._tick(items - self._shown, self._built.name)
            self._shown = items
