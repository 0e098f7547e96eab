"""A reproduction as ``results.json`` holds it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workbench.leaderboard.reproduce.claim import Claim
from workbench.leaderboard.reproduce.conditions import conditions
from workbench.leaderboard.reproduce.difference import Measured, measure
from workbench.leaderboard.reproduce.equivalence import (
    INSIDE,
    OUTSIDE,
    Difference,
    compare,
    overall,
)
from workbench.leaderboard.reproduce.formula import formulas
from workbench.leaderboard.reproduce.items import Items
from workbench.leaderboard.reproduce.power import Design, items_needed
from workbench.leaderboard.reproduce.simulate import power_curve
from workbench.leaderboard.scheme import AVERAGE
from workbench.leaderboard.schemes import scheme_of

METHOD = "two one-sided tests at 5% each (90% interval within the margin); beyond it: 95% interval"


def reproduction(
    claim: Claim, items: Items, weights: Mapping[str, Any], seed: int | None
) -> dict[str, Any]:
    """The verdict on ``claim`` by the ``items`` of the output with that recipe ``seed``.

    Keys: ``entry snapshot source revision output seed unit margin flips verdict method``;
    ``tasks``, by figure ``title ours theirs rounding difference ci90 ci95 n of verdict
    items_needed items_needed_if_observed power``; ``missing``, what the entry does not state or
    was not scored; ``conditions``. ``items_needed`` are those that give a clear verdict at a
    chance of 80% if the entry holds, ``None`` where the sets have too few; the other counts for
    the difference as observed.

    Raises:
        StepFailed: a score is not from 0 to 1.
    """
    scored = [t for t in items.scores if claim.scheme or t in claim.columns]
    of = formulas(scored, claim.scheme)
    figures = [name for name in claim.figures if name in of]
    tasks: dict[str, dict[str, Any]] = {}
    found: dict[str, Difference] = {}
    for name in figures:
        measured = measure(items, of[name])
        rounding = claim.entry.rounding.get(name, 0.0)
        found[name] = compare(
            measured, claim.published(name), rounding, margin=claim.margin, flips=claim.flips
        )
        tasks[name] = {"title": title(name, claim.scheme)} | _task(
            claim, name, measured, found[name]
        )
    parts = [each for name, each in found.items() if name != AVERAGE] or list(found.values())
    return {
        "entry": claim.entry.entry,
        "snapshot": claim.entry.snapshot,
        "source": claim.entry.source,
        "revision": claim.entry.revision,
        "output": claim.output,
        "seed": seed,
        "unit": "points" if claim.scheme else "score",
        "margin": claim.margin,
        "flips": claim.flips,
        "verdict": overall(list(found.values()), parts) if found else "cannot tell",
        "method": METHOD,
        "tasks": tasks,
        "missing": [*claim.missing, *(n for n in claim.figures if n not in of)],
        "conditions": conditions(claim, items.evaluation, weights),
    }


def _task(claim: Claim, name: str, measured: Measured, found: Difference) -> dict[str, Any]:
    design = Design.of(measured, claim.flips)
    seed = zlib.crc32(f"{claim.entry.entry}\0{name}".encode())
    curve = power_curve(measured, found.rounding, margin=claim.margin, flips=claim.flips, seed=seed)
    return {
        "ours": found.ours,
        "theirs": found.theirs,
        "rounding": found.rounding,
        "difference": found.difference,
        "ci90": list(found.interval(INSIDE)),
        "ci95": list(found.interval(OUTSIDE)),
        "n": found.n,
        "of": found.of,
        "verdict": found.verdict,
        "items_needed": items_needed(design, 0.0, claim.margin, found.rounding),
        "items_needed_if_observed": items_needed(
            design, found.difference, claim.margin, found.rounding
        ),
        "power": [asdict(rates) for rates in curve],
    }


def title(name: str, scheme: str | None) -> str:
    """What a reader calls a figure."""
    if name == AVERAGE:
        return "Average"
    return scheme_of(scheme).benchmark(name).title if scheme else name
