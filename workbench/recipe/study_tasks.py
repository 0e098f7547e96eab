"""Which scored tasks a study counts: a group of the suite stands for its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite


def scored_tasks(suite: Suite) -> dict[str, tuple[str, ...]]:
    """The tasks that each entry of ``suite`` is scored as, in its order: itself, or its members."""
    from workbench.evaluate.members import members

    local = suite.local_tasks()
    return {
        entry.task: (entry.task,) if entry.task in local else members(entry.task) or (entry.task,)
        for entry in suite.tasks
    }


def counted(suite: Suite, named: Sequence[str] | None) -> tuple[str, ...]:
    """The scored tasks that ``named`` stand for, each an entry or a member of one; all without."""
    of = scored_tasks(suite)
    if named is None:
        return tuple(task for tasks in of.values() for task in tasks)
    return tuple(dict.fromkeys(task for name in named for task in of.get(name, (name,))))
