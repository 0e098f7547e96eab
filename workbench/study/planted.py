"""The proof of the instrument: which probe fires on which planted cause.

Bases are made alike but for one cause, so the answer is known. A probe is worth something where it
finds its own cause and keeps silent on the others and on the clean controls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.study.hypothesis import Finding, Hypothesis, hypotheses

#: The controls without any cause.
CLEAN = "clean"
#: What a probe should reach: the share of its own cause's bases in which it fires, at least, and of
#: all other bases, at most.
DETECTED, FALSE_ALARMS = 0.9, 0.05


def decisions(hypothesis: Hypothesis, findings: Mapping[str, Finding]) -> dict[str, bool | None]:
    """What a probe says of each base, all other bases being its peers."""
    return {
        base: hypothesis.decide(found, [other for b, other in findings.items() if b != base])
        for base, found in findings.items()
    }


def planted(
    findings: Mapping[str, Mapping[str, Finding]], causes: Mapping[str, str]
) -> dict[str, Any]:
    """The matrix of probes against causes, as ``results["study"]["planted"]`` holds it.

    A base of which a probe could not tell counts as one in which it did not fire, and is told
    beside the rate. Intervals are Wilson's at 95%; bases are the unit, so few of them leave a rate
    open within wide limits.

    Args:
        findings: by hypothesis, then by base.
        causes: of each base.
    """
    known = hypotheses()
    order = sorted(set(causes.values()), key=lambda cause: (cause == CLEAN, cause))
    rows = [_row(known[name], found, causes, order) for name, found in findings.items()]
    return {"causes": order, "rows": rows, "words": _words(rows)}


def _row(
    hypothesis: Hypothesis,
    findings: Mapping[str, Finding],
    causes: Mapping[str, str],
    order: Sequence[str],
) -> dict[str, Any]:
    said = decisions(hypothesis, {b: f for b, f in findings.items() if b in causes})
    own = [cause for cause in hypothesis.control if cause in order]
    by_cause = {cause: _count([said[b] for b in said if causes[b] == cause]) for cause in order}
    ours = [said[b] for b in said if causes[b] in own]
    others = [said[b] for b in said if causes[b] not in own]
    return {
        "name": hypothesis.name,
        "title": hypothesis.title,
        "own": own,
        "cells": by_cause,
        "own_rate": _count(ours),
        "elsewhere": _count(others),
        "passed": passed(_count(ours), _count(others)),
    }


def passed(own: Mapping[str, Any], elsewhere: Mapping[str, Any]) -> bool | None:
    """Whether a probe is as good as it should be; ``None`` where nothing of its own was planted."""
    if not own["of"] or not elsewhere["of"]:
        return None
    return bool(
        own["fired"] >= DETECTED * own["of"]
        and elsewhere["fired"] <= FALSE_ALARMS * elsewhere["of"]
    )


def _count(said: Sequence[bool | None]) -> dict[str, Any]:
    from workbench.evaluate.intervals import wilson

    fired = sum(one is True for one in said)
    return {
        "fired": fired,
        "of": len(said),
        "undecided": sum(one is None for one in said),
        "ci95": list(wilson(fired, len(said))) if said else None,
    }


def _words(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    judged = [row for row in rows if row["passed"] is not None]
    good = [row for row in judged if row["passed"]]
    words = [
        f"{len(good)} of {len(judged)} probes find their own planted cause in at least "
        f"{DETECTED:.0%} of its bases and fire on at most {FALSE_ALARMS:.0%} of all others."
    ]
    for row in judged:
        own, elsewhere = row["own_rate"], row["elsewhere"]
        if not row["passed"]:
            where = [
                f"{cell['fired']} of {cell['of']} {cause}"
                for cause, cell in row["cells"].items()
                if cause not in row["own"] and cell["fired"]
            ]
            words.append(
                f"{row['title']} misses: it fires on {own['fired']} of {own['of']} bases with its "
                f"own cause and on {elsewhere['fired']} of {elsewhere['of']} others"
                + (f" ({', '.join(where)})." if where else ".")
            )
    return words
