"""Asking some of a task's items, each with the very prompt that it has where all are asked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.api.task import Task


class ChosenItems:
    """A task's requests, rendered once and asked of every model, and the choice among its items.

    lm-eval's own ``samples`` draws few-shot examples for the chosen items only, one after another
    from a single generator, so that an item's examples would depend on which others are asked.
    Here prompts are rendered as for the whole task: an item of a sample is asked the question that
    it is asked in a whole evaluation, and the two may be compared. Only where nothing is drawn are
    the chosen items rendered alone, which takes less time.

    lm-eval reads the choice through the task's ``doc_iterator``, which gives the items' own places
    in the data, and through ``build_all_requests``; both are replaced.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self._task = task
        self._seed = seed
        self._build: Callable[..., None] = task.build_all_requests
        self._kept: dict[str | None, dict[int, list[Any]]] = {}
        # Read once: some tasks shuffle an item's options each time they hand out their items.
        self._docs: Any = task.eval_docs
        self._places: Sequence[int] = range(len(self._docs))
        task.build_all_requests = self._build_chosen
        task.doc_iterator = self._iterate

    def __len__(self) -> int:
        return len(self._docs)

    @property
    def docs(self) -> Any:
        """All items of the task, in the order of the data."""
        return self._docs

    @functools.cached_property
    def _own_ids(self) -> list[str] | None:
        """The items' own ids where each of *all* items has one; else they go by their places."""
        named = [str(doc.get("id", "")) for doc in self._docs]
        return named if all(named) and len(set(named)) == len(named) else None

    def name_of(self, place: int) -> str:
        """What the item at a place is called, whichever others are asked beside it."""
        return str(place) if self._own_ids is None else self._own_ids[place]

    @contextmanager
    def only(self, places: Iterable[int]) -> Iterator[None]:
        """Within, the task has the items at ``places`` only."""
        before = self._places
        self._places = sorted(places)
        try:
            yield
        finally:
            self._places = before

    def _iterate(self, **_: object) -> Iterator[tuple[int, Any]]:
        return ((place, self._docs[place]) for place in self._places)

    def _build_chosen(self, **how: Any) -> None:
        """The chosen items' requests, unanswered, under the chat template that is asked for."""
        template = how.get("chat_template")
        # Prompts depend on no weights; a chat template makes them depend on the tokenizer.
        key = template.__self__.chat_template(True) if template is not None else None
        kept = self._kept.setdefault(key, {})
        missing = [place for place in self._places if place not in kept]
        if missing:
            with self.only(range(len(self)) if self._draws() else missing):
                # Another template's prompts were drawn from the same generator before.
                self._task.set_fewshot_seed(seed=self._seed)
                self._build(**{**how, "limit": None, "samples": None})
            for request in self._task.instances:
                kept.setdefault(request.doc_id, []).append(request)
        asked = [request for place in self._places for request in kept[place]]
        for request in asked:
            request.resps, request.filtered_resps = [], {}
        self._task._instances = asked

    def _draws(self) -> bool:
        """Whether few-shot examples are drawn at random, item after item."""
        from lm_eval.api.samplers import FirstNSampler

        shots = self._task.get_config("num_fewshot")
        return bool(shots) and type(getattr(self._task, "sampler", None)) is not FirstNSampler
