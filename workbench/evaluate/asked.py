"""One task asked of one model: part after part, by lm-eval, its scores and rows at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed
from workbench.progress import Tick

if TYPE_CHECKING:
    from workbench.evaluate.prepared import Prepared
    from workbench.evaluate.result import Score
    from workbench.evaluate.scorer import Scorer
    from workbench.evaluate.tasks import BuiltTask


class Asked:
    """A task's items as far as a model has answered them.

    ``parts`` are the ends of the parts that may be asked, ``done`` of those that were.
    """

    def __init__(self, ready: Prepared, built: BuiltTask, parts: tuple[int, ...]) -> None:
        self.built = built
        self.parts = parts
        self.done: tuple[int, ...] = ()
        self._ready = ready
        self._settled = False
        self._samples: list[dict[str, Any]] = []

    @property
    def goes_on(self) -> bool:
        """Whether another part is to be asked."""
        return not self._settled and len(self.done) < len(self.parts)

    def settle(self) -> None:
        """Ask no more."""
        self._settled = True

    @property
    def count(self) -> int:
        """How many items have been asked."""
        return self.done[-1] if self.done else 0

    @property
    def next_count(self) -> int:
        """How many items the next part has."""
        return self.parts[len(self.done)] - self.count

    def ask(self, scorer: Scorer, apply_chat_template: bool, tick: Tick) -> None:
        """Have the next part answered.

        Raises:
            StepFailed: out of memory, or no room in the model's window.
        """
        import lm_eval.evaluator
        import torch

        from workbench.evaluate.quiet import seeded

        built, end = self.built, self.parts[len(self.done)]
        _check_window(scorer, built)
        ticks = _ItemTicks(tick, built, self.next_count)
        scorer.on_answer(ticks.answered)
        places = self._ready.places(built, self.count, end)
        try:
            with seeded(self._ready.seed), built.items.only(places):
                results = lm_eval.evaluator.evaluate(
                    lm=scorer,
                    task_dict={"tasks": {built.name: built.task}},
                    # No standard errors: the intervals here are better, and theirs take time.
                    bootstrap_iters=0,
                    apply_chat_template=apply_chat_template,
                    fewshot_as_multiturn=apply_chat_template,
                    # Asked of the user before a task that runs code is built.
                    confirm_run_unsafe_code=True,
                )
        except torch.OutOfMemoryError as error:
            raise step_failed(
                f"out of memory while scoring {built.name}",
                str(error).split("\n")[0][:200],
                f"set batch_size under evaluate below {self._ready.batch_size}; parents are then "
                "scored again at the same size",
            ) from error
        ticks.finish()
        self._samples += results["samples"][built.name]
        self.done += (end,)

    def rows(self) -> list[dict[str, Any]]:
        """The items' rows, in the order of the data."""
        from workbench.evaluate.items import rows_of

        return rows_of(self.built, self._in_order())

    def notes(self) -> list[str]:
        """Signs of a collapsed model."""
        from workbench.evaluate.items import notes_on

        return list(notes_on(self.built, self._in_order()))

    def _in_order(self) -> list[dict[str, Any]]:
        return sorted(self._samples, key=lambda sample: int(sample["doc_id"]))

    def score(self, metric: str, rows: list[dict[str, Any]], z: float | None) -> Score:
        """A metric's score from its rows: their mean, as lm-eval takes it, and an interval.

        ``z`` is the normal quantile of an interval that allows for several looks.
        """
        from workbench.evaluate.intervals import mean_interval
        from workbench.evaluate.result import Score

        scores = [row["score"] for row in rows]
        clusters = [row["cluster"] for row in rows]
        interval, method = mean_interval(scores, clusters if any(clusters) else None, z=z)
        if z is not None:
            method += f", repeated interval at look {len(self.done)} of {len(self.parts)}"
        whole = len(self.built.items)
        of = len(rows) if self.count == whole else round(len(rows) * whole / self.count)
        return Score(metric, sum(scores) / len(scores), interval, len(rows), method, of)


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
