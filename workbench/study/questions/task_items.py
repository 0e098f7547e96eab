"""The items of a scored task as probes ask them: the question without the task's own frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.study.questions.items import Item

if TYPE_CHECKING:
    import pandas as pd

#: What tasks commonly put around a question; probes put it into frames of their own.
_BEFORE = re.compile(r"^\s*(?:question|q|problem)\s*:\s*", re.IGNORECASE)
_AFTER = re.compile(r"\s*(?:answer|a|solution)\s*:\s*$", re.IGNORECASE)
#: GSM8K's answers end so, after the working.
_FINAL = re.compile(r"####\s*(.+)\s*$")


def items_of(samples: pd.DataFrame, task: str) -> list[Item]:
    """The items of ``task`` in the ``samples`` of an evaluation, in the order of the data.

    The answer is the target, of GSM8K's form the final number alone.
    """
    rows = samples[samples["task"] == task]
    return [
        Item(id=str(row.item_id), question=_bare(str(row.question)), answer=_final(str(row.target)))
        for row in rows.itertuples(index=False)
    ]


def _bare(text: str) -> str:
    return _AFTER.sub("", _BEFORE.sub("", text)).strip()


def _final(target: str) -> str:
    found = _FINAL.search(target)
    return found.group(1).strip() if found else target.strip()
