"""What one family does to a difference: the same estimate without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.study.statistics.difference import interval_of, value_of
from workbench.study.statistics.senses import Sense

if TYPE_CHECKING:
    import pandas as pd


def without_each(bases: pd.DataFrame, sense: Sense) -> list[dict[str, Any]]:
    """``{"family", "value", "ci95", "change"}`` for each family left out, sorted by its name.

    ``bases`` are those of :func:`workbench.study.statistics.senses.bases_of`. ``change`` is the
    value without the family less that with it. Where the others do not bear an interval there is
    none, and where not even a value, the family is not listed.
    """
    whole = value_of(bases, sense)
    found = []
    for family in sorted(bases["family"].unique()):
        value, ci95, _ = interval_of(bases[bases["family"] != family], sense)
        if value is not None and whole is not None:
            change = value - whole
            found.append({"family": family, "value": value, "ci95": ci95, "change": change})
    return found
