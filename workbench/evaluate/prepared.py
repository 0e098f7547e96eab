"""A suite's tasks in memory: built once, and which of their items are asked, in which order."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import step_failed
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.sampling import allocate, nested_order
from workbench.evaluate.suites import Suite

if TYPE_CHECKING:
    from workbench.evaluate.tasks import BuiltTask


class Prepared:
    """A suite's tasks, ready to score one model after another.

    ``limits`` holds how many items of each task a limited evaluation asks. The items of a task are
    asked in *parts*, each the next stretch of one order (:mod:`workbench.evaluate.sampling`): a
    sample is one part, looks at a growing sample are one each, and where a model is scored on all
    items the rest is the last. Items of one part are batched together, so that two models scored
    in the same parts have had each item in the same batch.
    """

    def __init__(self, suite: Suite, settings: EvaluateConfig, sha256: str) -> None:
        from workbench.evaluate.quiet import quiet_harness, seeded
        from workbench.evaluate.tasks import build_tasks

        self.batch_size = settings.batch_size or suite.batch_size
        self.seed = settings.seed
        self.suite = {"name": suite.name, "sha256": sha256}
        with quiet_harness(), seeded(self.seed):
            self.tasks = build_tasks(suite, self.seed, settings.run_code)
        self._looks = settings.sequential.looks if settings.sequential else 1
        self._orders: dict[str, tuple[int, ...]] = {}
        self.limits: dict[str, int] = {}
        for entry in suite.tasks:
            members = {b.name: len(b.items) for b in self.tasks if b.entry == entry}
            limit = settings.limit if settings.limit is not None else entry.limit
            self.limits |= allocate(limit, members)

    def looks(self, built: BuiltTask) -> tuple[int, ...]:
        """How many items have been asked by the end of each look; one look where none were set.

        The looks are equal stretches of the limit; a task with fewer items than looks has fewer.
        """
        limit = self.limits[built.name]
        ends = (math.ceil(limit * look / self._looks) for look in range(1, self._looks + 1))
        return tuple(dict.fromkeys(ends))

    def parts(self, built: BuiltTask, whole: bool) -> tuple[int, ...]:
        """The ends of the parts: of the looks, and with ``whole`` of all items after them."""
        return (
            tuple(dict.fromkeys((*self.looks(built), len(built.items))))
            if whole
            else (self.looks(built))
        )

    def places(self, built: BuiltTask, start: int, end: int) -> Sequence[int]:
        """Where the items from ``start`` to ``end`` of the order lie in the data."""
        if start == 0 and end == len(built.items):
            return range(end)
        if built.name not in self._orders:
            self._orders[built.name] = self._order(built)
        return self._orders[built.name][start:end]

    def _order(self, built: BuiltTask) -> tuple[int, ...]:
        """The places of all items in the order in which they are asked."""
        field = built.entry.strata
        strata = [_stratum(built, field, doc) for doc in built.items.docs]
        return nested_order(strata, self.seed, built.name)


def _stratum(built: BuiltTask, field: str | None, doc: dict[str, Any]) -> str:
    if field is None:
        return ""
    if field not in doc:
        raise step_failed(
            f"{built.name}: items have no field {field!r} to be stratified by",
            f"they have {', '.join(doc)}",
            "correct strata: in the suite",
        )
    return json.dumps(doc[field], ensure_ascii=False, default=str)


# The hash is in the key so that a suite whose files were edited is read anew.
@functools.lru_cache(maxsize=4)
def prepared(suite: Suite, settings: EvaluateConfig, sha256: str) -> Prepared:
    """The tasks of ``suite`` under ``settings``, those of the last few calls kept.

    Raises:
        UserError: a task, metric, filter or item file does not exist, or a setting does not fit.
        StepFailed: data from the hub is needed and neither cached nor reachable.
    """
    return Prepared(suite, settings, sha256)
