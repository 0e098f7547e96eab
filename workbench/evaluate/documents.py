"""A task's items made once: alike in every process, whatever another one left in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def made_once() -> Iterator[None]:
    """Within, tasks that are built prepare the items of each split once, for good.

    lm-eval prepares them anew whenever it looks at them, and relies on ``datasets`` to find the
    first result in its cache on disk. GPQA's preparation shuffles each item's options with the
    global generator: without that cache the options would change between question and scoring, and
    with it they are those of the first run on this machine, whatever its seed was. Here the seed
    alone decides, and the order is that of an ``lm_eval`` whose cache is empty.
    """
    from lm_eval.api.task import ConfigurableTask

    load: Callable[..., None] = ConfigurableTask.download

    def load_and_wrap(task: Any, *arguments: Any, **named: Any) -> None:
        load(task, *arguments, **named)
        prepare = task.config.process_docs
        if prepare is not None:
            wrapped = _once(prepare)
            task.config.process_docs = wrapped
            if task.fewshot_cfg.process_docs is prepare:
                task.fewshot_cfg.process_docs = wrapped

    ConfigurableTask.download = load_and_wrap
    try:
        yield
    finally:
        ConfigurableTask.download = load


def _once(prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    made: dict[str, Any] = {}

    def prepared(split: Any) -> Any:
        # The same items under two names of splits are the same items.
        key = str(getattr(split, "_fingerprint", id(split)))
        if key not in made:
            with _without_cache():
                made[key] = prepare(split)
        return made[key]

    return prepared


@contextmanager
def _without_cache() -> Iterator[None]:
    import datasets

    before = datasets.is_caching_enabled()
    datasets.disable_caching()
    try:
        yield
    finally:
        if before:
            datasets.enable_caching()
