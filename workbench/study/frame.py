"""The frame that every study is analysed from: a row a base, task, treatment and seed.

Scores are shares of 1 throughout. The items of a task fall into two halves: the learning rate of a
base, and the ``before`` that an outcome is set against, come from half A, every outcome from half
B, so that no figure is chosen by the luck it is judged on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Column and type. ``before`` to ``se_gain`` and ``fixed_after`` are of half B, ``before_a`` and
#: ``after_a`` of half A (empty for tables of others); ``fixed_after`` is the score at the study's
#: fixed learning rate; ``floor`` what guessing gives; ``tokens`` and ``bytes`` what was trained on.
COLUMNS = {
    "base": "str",
    "group": "str",
    "asked": "bool",
    "family": "str",
    "task": "str",
    "treatment": "str",
    "seed": "Int64",
    "rate": "float",
    "n": "Int64",
    "before": "float",
    "after": "float",
    "before_a": "float",
    "after_a": "float",
    "se_before": "float",
    "se_after": "float",
    "se_gain": "float",
    "fixed_after": "float",
    "compute": "float",
    "log_parameters": "float",
    "tokens": "Int64",
    "bytes": "Int64",
    "collapsed": "bool",
    "floor": "float",
}
#: What a column holds that was not given; all others hold nothing then.
DEFAULTS = {"collapsed": False, "floor": 0.0}


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with all of ``COLUMNS``, in their order and types, sorted by what a row is.

    ``fixed_after`` is ``after`` where nothing else was measured.
    """
    import pandas as pd

    whole = pd.DataFrame(index=frame.index)
    for name, kind in COLUMNS.items():
        column = frame[name] if name in frame else pd.Series(pd.NA, index=frame.index)
        if name in DEFAULTS:
            column = column.astype(object).where(column.notna(), DEFAULTS[name])
        elif name == "fixed_after":
            column = column.astype("Float64").fillna(frame["after"].astype("Float64"))
        if kind == "float":
            column = pd.to_numeric(column, errors="coerce").astype("Float64").astype(float)
        elif kind == "str":
            column = column.astype(str).astype(object)
        else:
            column = column.astype(kind)
        whole[name] = column
    keys = ["base", "task", "treatment", "seed"]
    return whole.sort_values(keys, kind="stable").reset_index(drop=True)
