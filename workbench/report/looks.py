"""Figures that stand for more items than were scored, in words: estimates, and looks that ended."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.report import numbers
from workbench.report.results import Change, Entry, Results, Score, WholeSet


def items(score: Score | Change) -> str:
    """``400``, or ``100 of 400`` where the rest was not scored."""
    if score.is_estimate:
        return f"{numbers.count(score.n)} of {numbers.count(score.of)}"
    return numbers.count(score.n)


def worth(estimate: WholeSet) -> str:
    """What the parents' known scores are worth: ``100 items count as 151``."""
    if estimate.factor is None or estimate.n is None:
        return ""
    return (
        f"{numbers.count(estimate.n)} items count as "
        f"{numbers.count(estimate.factor * estimate.n)} (factor {estimate.factor:.2f})"
    )


def more_items(estimate: WholeSet) -> str:
    """How many items a wanted width would take, with the parents' help and without it."""
    wanted = estimate.items_for
    if wanted is None or estimate.n is None or wanted.items <= estimate.n:
        return ""
    return (
        f"±{numbers.score(wanted.half_width)} would take {numbers.count(wanted.items)} of "
        f"{numbers.count(estimate.of)} items, {numbers.count(wanted.without_control)} without"
    )


def whole_set(estimate: WholeSet) -> str:
    """``0.207 (0.155 to 0.274) on all 400 items, with …``."""
    with_whom = " and ".join(estimate.control)
    words = (
        f"{numbers.score(estimate.value)} ({numbers.interval(estimate.ci95)}) on all "
        f"{numbers.count(estimate.of)} items, estimated with the known scores of {with_whom}"
    )
    gain = worth(estimate)
    return f"{words}: {gain}" if gain else words


def stops(run: Results, entry: Entry, task: str) -> Iterator[str]:
    """What scoring look after look came to, against the first parent."""
    for parent in entry.parents[:1]:
        change = entry.versus.get(parent, {}).get(task)
        if change is None or change.look is None or change.looks is None:
            continue
        verdict = {
            "higher": "better" if run.more_is_better(task) else "worse",
            "lower": "worse" if run.more_is_better(task) else "better",
        }.get(change.waited_for, change.waited_for)
        clear = (
            f"no verdict after the last of {change.looks} looks"
            if verdict == "unclear"
            else f"{verdict} at look {change.look} of {change.looks}"
        )
        if verdict == "equivalent" and change.within is not None:
            inside = numbers.interval(change.within, sign=True)
            clear += f", within ±{numbers.score(change.margin)} ({inside})"
        yield f"against {parent}: {clear}; {numbers.count(change.n)} items, intervals allow for it"
