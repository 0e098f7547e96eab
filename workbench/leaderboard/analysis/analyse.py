"""The whole analysis of a leaderboard's table, as one dict for results.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.progress import Progress, Silent

if TYPE_CHECKING:
    import pandas as pd

    from workbench.leaderboard.table import Table

CANNOT = (
    "Who fine-tunes which base, with what data and effort, was not assigned: no control here "
    "undoes that good teams may choose certain bases.",
    "Families are few, and countries have few makers: 'Chinese' is in large part Alibaba's Qwen.",
    "Gain over base and final score answer different questions (Lord's paradox): a base that "
    "starts high has less to gain. Neither is the one true measure; both are given.",
    "The gain of all of a base's entries shares that base's one measured score and its error.",
    "A declared base is what a card says. Most entries declare none and are not in these answers.",
    "Variants that were tried and not submitted are not in the table.",
    "An entry's chat template and method are choices made after the base; holding them equal may "
    "take away part of what a base brings.",
)


def analyse(
    table: Table,
    *,
    seed: int = 0,
    entries: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Everything the page shows, ready for JSON.

    ``table`` may be just read: it is placed and its gains are taken here if they are not yet.

    Raises:
        UserError: an entry of ``entries`` is not known.
    """
    from workbench.leaderboard.analysis import (
        answers,
        forest,
        frontier,
        groups,
        mixed,
        robustness,
        selection,
        suspects,
    )
    from workbench.leaderboard.analysis import entries as single
    from workbench.leaderboard.analysis.outcomes import OUTCOMES, community
    from workbench.leaderboard.table import gains, place

    tell = progress or Silent()
    if "root" not in table.frame:
        table = place(table)
    if "gain_base" not in table.frame:
        table = gains(table)
    against = single.pairs(table, entries)
    rows = community(table.frame)
    tell.line(f"{len(table.frame)} rows, {len(rows)} community entries under a known root")
    sequences, why = {}, {}
    for name in OUTCOMES:
        try:
            sequences[name] = mixed.sequence(rows, name, seed=seed)
        except (mixed.CannotFit, ValueError) as error:
            sequences[name], why[name] = [], str(error)
    odd = suspects.suspects(table.frame)
    flagged = suspects.flagged_models(odd)
    tell.line(f"{len(flagged)} entries rise on one benchmark; now the changes of rows")
    scenarios = robustness.robustness(rows, suspects=flagged, seed=seed, wider=_guessed(table))
    left_out = {name: robustness.by_left_out(rows, name) for name in ("family", "lab")}
    return {
        "source": {
            "file": table.path.name, "sha256": table.sha256, "rows": len(table.frame),
        },
        "answer": answers.answers(sequences, why),
        "seams": table.seams,
        "conditions": _conditions(rows, seed, why),
        "outputs": [],
        "bases": groups.by_base(rows, seed=seed),
        "families": groups.by_family(rows, seed=seed),
        "countries": groups.by_country(rows, seed=seed),
        "sides": groups.by_side(rows, seed=seed),
        "shares": groups.shares(rows),
        "mixed": sequences,
        "selection": selection.selection(rows, seed=seed),
        "suspects": odd,
        "trees": forest.forest(table),
        "frontier": frontier.frontier(table.frame, flagged),
        "robustness": scenarios,
        "robustness_said": robustness.said(scenarios, left_out),
        "left_out": left_out,
        "entries": single.compare(against, seed=seed),
    }  # fmt: skip


def _guessed(table: Table) -> dict[str, pd.DataFrame]:
    """The community's entries if names are read for what cards do not declare."""
    from workbench.leaderboard.analysis.outcomes import community
    from workbench.leaderboard.table import gains, place

    placed = gains(place(table, guess=True))
    rows = community(placed.frame)
    return {
        "with roots guessed from names and sizes": rows,
        "with guessed roots, without merges": rows[rows["method"] != "merge"],
    }


def _conditions(rows: pd.DataFrame, seed: int, why: dict[str, str]) -> dict[str, Any]:
    from workbench.leaderboard.analysis import answers, groups, mixed, outcomes, selection

    return {
        "seed": seed,
        "rules": {
            "community": outcomes.COMMUNITY_RULE,
            "answer": answers.RULE,
            "mixed": mixed.METHOD,
            "groups": groups.RULE,
            "selection": selection.RULE,
        },
        "outcomes": {
            name: {"title": one.title, "unit": one.unit} for name, one in outcomes.OUTCOMES.items()
        },
        "not_fitted": why,
        "cannot_be_concluded": list(CANNOT),
        "community_entries": len(rows),
    }
