"""A published difference between an entry and its parent, and what it is made of.

RYS-XLarge stands in the table without a chat template and its parent with one. Their published
difference is then not the layers' doing alone. With ``t`` and ``u`` the conditions of the entry and
of the parent, and all four scores measured by us, it is exactly

    published = ½ Σ over conditions (output - parent)                 the treatment
              + ½ Σ over models (its score under t - under u)         the template
              + what we did not find again

where the first two take both ways to go from the one score to the other with equal weight, so that
their interaction is shared between them (Shapley's rule for two causes).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.evaluate.intervals import normal_quantile
from workbench.leaderboard.reproduce.claim import Claim
from workbench.leaderboard.reproduce.contrast import contrast
from workbench.leaderboard.reproduce.difference import measure, noise_of
from workbench.leaderboard.reproduce.effects import Both, check_alike
from workbench.leaderboard.reproduce.formula import Formula, formulas
from workbench.leaderboard.reproduce.items import Items
from workbench.leaderboard.scheme import AVERAGE

if TYPE_CHECKING:
    from workbench.leaderboard.published import PublishedEntry


def published_gap(
    claim: Claim, parent: PublishedEntry, ours: Both, theirs: Both
) -> dict[str, dict[str, Any]]:
    """By figure: ``published rounding treatment template rest``, the last three as effects.

    ``ours`` are the output's evaluations and ``theirs`` the parent's. ``template`` is 0 where the
    two were published under one condition. Without an evaluation that the split needs, or where a
    row does not say whether a template was applied, there are ``published`` and ``rounding`` only.

    Raises:
        StepFailed: the evaluations differ in more than the template.
    """
    conditions = (claim.entry.chat_template, parent.chat_template)
    of = formulas(_scored(claim, ours.without), claim.scheme)
    found: dict[str, dict[str, Any]] = {}
    for name in claim.figures:
        figure = _published(parent, name)
        if figure is None or name not in of:
            continue
        found[name] = {
            "published": claim.published(name) - figure,
            "rounding": claim.entry.rounding.get(name, 0.0) + parent.rounding.get(name, 0.0),
        }
        found[name] |= _split(claim, found[name], of[name], conditions, ours, theirs)
    return found


def _split(
    claim: Claim,
    gap: dict[str, float],
    formula: Formula,
    conditions: tuple[bool | None, bool | None],
    ours: Both,
    theirs: Both,
) -> dict[str, Any]:
    t, u = conditions
    if t is None or u is None:
        return {}
    child, parent = (ours.under(t), ours.under(u)), (theirs.under(t), theirs.under(u))
    there = [each for each in (*child, *parent) if each is not None]
    if len(there) < 4:
        return {}
    check_alike(there)
    child_t, child_u, parent_t, parent_u = there
    treatment = contrast(
        [(0.5, child_t), (0.5, child_u), (-0.5, parent_t), (-0.5, parent_u)], formula
    )
    template = contrast(
        [(0.5, child_t), (-0.5, child_u), (0.5, parent_t), (-0.5, parent_u)], formula
    )
    return {
        "treatment": treatment.as_dict(),
        "template": template.as_dict() if t != u else None,
        "rest": _rest(
            gap["published"],
            gap["rounding"],
            [(child_t, 1), (parent_u, -1)],
            formula,
            claim.flips,
        ),
    }


def _rest(
    published: float,
    rounding: float,
    evaluations: list[tuple[Items, int]],
    formula: Formula,
    flips: float,
) -> dict[str, Any]:
    """The published difference less ours under the same conditions, with the noise of both runs."""
    variance, ours, n = 0.0, 0.0, 0
    for evaluation, sign in evaluations:
        measured = measure(evaluation, formula)
        ours += sign * measured.value
        variance += sum(noise_of(pool, flips) for pool in measured.pools)
        n = measured.n
    half = normal_quantile() * math.sqrt(variance) + rounding
    value = published - ours
    return {
        "value": value,
        "ci95": [value - half, value + half],
        "n": n,
        "method": "normal, the runs' own noise, widened by rounding",
    }


def _scored(claim: Claim, items: Items) -> list[str]:
    scored = list(items.scores)
    return scored if claim.scheme else [task for task in scored if task in claim.columns]


def _published(row: PublishedEntry, name: str) -> float | None:
    return row.average if name == AVERAGE else row.scores.get(name)
