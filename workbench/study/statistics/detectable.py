"""What a study could tell, by the spread that it saw: its power, beside its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.study.words import points

if TYPE_CHECKING:
    import pandas as pd

    from workbench.study.design.settings import Settings

#: Items enough to add no noise of their own: what they add is in the spread that was seen.
MANY = 10_000


def power_of(
    frame: pd.DataFrame, variance: Mapping[str, Any] | None, settings: Settings
) -> dict[str, Any]:
    """``results["study"]["power"]``: the difference in gain that such a design finds.

    The spread is that of bases' mean gains as ``variance`` (:func:`estimands.variance`) saw it;
    where nothing could be seen, the one that was assumed beforehand.
    """
    from workbench.study.statistics.power import design_power

    groups = {group: _families(frame, group) for group in (settings.asked, settings.others)}
    seeds = _seeds(frame)
    items = frame["n"].dropna()
    n = int(items.median()) if len(items) else None
    varies = _seen(variance, seeds)
    source = "seen" if varies else "assumed"
    varies = varies or {"spread": settings.spread, "items": n or MANY}
    found = design_power(
        groups,
        seeds=seeds,
        asked=settings.asked,
        alpha=settings.alpha,
        power=settings.power,
        **varies,
    )
    # With one seed nothing is known of what more would bring.
    more = found.more if varies.get("seed_spread") else found.more[:1]
    return {
        "families": {group: len(families) for group, families in groups.items()},
        "bases": {group: sum(families.values()) for group, families in groups.items()},
        "seeds": seeds,
        "items": n,
        "spread": varies["spread"],
        "base_spread": varies.get("base_spread"),
        "spread_source": source,
        "smallest": found.smallest,
        "power": settings.power,
        "can_answer": found.can_answer,
        "curve": [list(pair) for pair in found.curve],
        "more": list(more),
        "words": _words(found.smallest, found.reason, varies["spread"], source, settings),
    }


def _families(frame: pd.DataFrame, group: str) -> dict[str, int]:
    rows = frame[frame["group"] == group]
    counted = rows.groupby("family")["base"].nunique()
    return {str(family): int(bases) for family, bases in counted.items()}


def _seeds(frame: pd.DataFrame) -> int:
    runs = frame.groupby(["base", "task", "treatment"]).size()
    return int(runs.max()) if len(runs) else 1


def _seen(variance: Mapping[str, Any] | None, seeds: int) -> dict[str, Any]:
    """The spread of bases' means, with the seeds' share of it apart where it is known.

    Items are in it already. Empty where nothing was seen.
    """
    if variance is None:
        return {}
    spread, run = variance["mean_sd"], variance["sd"]["seed"] or 0.0
    base = max(0.0, spread["base"] ** 2 - run**2 / seeds) ** 0.5
    return {"spread": spread["family"], "base_spread": base, "seed_spread": run, "items": MANY}


def _words(
    smallest: float | None, reason: str, spread: float, source: str, settings: Settings
) -> list[str]:
    if smallest is None:
        return [f"This design cannot answer the question: {reason}."]
    origin = "as was seen" if source == "seen" else "as was assumed"
    return [
        f"A true difference in gain of {points(smallest)} points would be found "
        f"{settings.power:.0%} of the time, if families vary by {points(spread)} points {origin}."
    ]
