"""What is made of a scored node beyond its scores: comparisons, points, effects, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.engine.order import bases_below
from workbench.errors import StepFailed, UserError

if TYPE_CHECKING:
    from workbench.engine.entry import Entry
    from workbench.evaluate.result import Evaluation
    from workbench.evaluate.suites import Suite
    from workbench.leaderboard.published import PublishedEntry
    from workbench.leaderboard.reproduce.claim import Claim
    from workbench.leaderboard.reproduce.effects import Both
    from workbench.recipe.plan import Plan


def compare(plan: Plan, entry: Entry, others: Mapping[str, Entry]) -> None:
    """Compare with each direct parent and each base it goes back to, all scored by now.

    Then fill in what follows from the scores: points, effects, and published figures held.
    """
    from workbench.compare.versus import versus
    from workbench.compare.whole_set import whole_set_estimates

    if entry.evaluation is None:
        return
    relatives = relatives_of(plan, entry, others)
    entry.versus, entry.refused = versus(
        entry.evaluation, {n: e.evaluation for n, e in relatives.items() if e.evaluation}
    )
    known = {name: others[each.node.id].known for name, each in relatives.items()}
    entry.estimates = whole_set_estimates(
        entry.evaluation, {name: each for name, each in known.items() if each is not None}
    )
    if entry.with_template is not None:
        theirs = {n: e.with_template for n, e in relatives.items() if e.with_template}
        entry.with_template.versus, entry.with_template.refused = versus(
            entry.with_template.evaluation,
            {n: each.evaluation for n, each in theirs.items() if each.evaluation},
        )
    if plan.suite is not None:
        _judge(plan, plan.suite, entry, relatives)


def _judge(plan: Plan, suite: Suite, entry: Entry, relatives: Mapping[str, Entry]) -> None:
    if suite.points is not None:
        _add_points(suite.points, entry, relatives)
    if entry.with_template is not None:
        _add_effects(suite.points, entry, relatives)
    for claim in plan.claims:
        if claim.output == entry.node.name:
            try:
                entry.reproductions.append(_reproduction(plan, claim, entry, relatives))
            except StepFailed as error:
                entry.refused += [f"{claim.entry.entry}: {p.fact}" for p in error.problems]


def relatives_of(plan: Plan, entry: Entry, others: Mapping[str, Entry]) -> dict[str, Entry]:
    """By name: the direct parents, then each base that ``entry`` goes back to, scored by now.

    A parent that was scored further than ``entry`` is shown as it was on the same items.
    """
    below = dict.fromkeys((*entry.node.parents, *bases_below(plan, entry.node)))
    there = (others[i] for i in below if i in others and i != entry.node.id)
    return {each.node.name: _as_far(each, entry) for each in there if each.evaluation is not None}


def _as_far(relative: Entry, entry: Entry) -> Entry:
    from workbench.compare.narrow import narrowed

    if relative.evaluation is None or entry.evaluation is None:
        return relative
    shown = replace(relative, evaluation=narrowed(relative.evaluation, entry.evaluation))
    theirs, ours = relative.with_template, entry.with_template
    if theirs is not None and ours is not None and theirs.evaluation and ours.evaluation:
        evaluation = narrowed(theirs.evaluation, ours.evaluation)
        shown.with_template = replace(theirs, evaluation=evaluation)
    return shown


def _add_points(scheme: str, entry: Entry, relatives: Mapping[str, Entry]) -> None:
    entry.points, entry.points_versus = _points(
        scheme, entry.evaluation, {n: e.evaluation for n, e in relatives.items()}, entry.refused
    )
    templated = entry.with_template
    if templated is not None and templated.evaluation is not None:
        theirs = {n: e.with_template.evaluation for n, e in relatives.items() if e.with_template}
        templated.points, templated.points_versus = _points(
            scheme, templated.evaluation, theirs, templated.refused
        )


def _points(
    scheme: str,
    evaluation: Evaluation | None,
    parents: Mapping[str, Evaluation | None],
    refused: list[str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    from workbench.leaderboard.points import points_of, points_versus

    if evaluation is None:
        return {}, {}
    if evaluation.looks:
        # The formula's intervals are those of one look.
        words = "points: not compared: the scoring could end early on account of its scores"
        refused += [f"{name}, {words}" for name in parents]
        return {}, {}
    points = {name: score.as_dict() for name, score in points_of(evaluation, scheme).items()}
    versus = {}
    for name, parent in parents.items():
        if parent is None or any(words.startswith(f"{name}: ") for words in refused):
            continue
        try:
            versus[name] = points_versus(evaluation, parent, scheme)
        except StepFailed as error:
            refused += [f"{name}: {problem.fact}" for problem in error.problems]
    return points, versus


def _add_effects(scheme: str | None, entry: Entry, relatives: Mapping[str, Entry]) -> None:
    from workbench.leaderboard.reproduce.effects import effects

    parents = {name: _both(each) for name, each in relatives.items()}
    entry.effects, refused = effects(_both(entry), parents, scheme)
    entry.refused += [words for words in refused if words not in entry.refused]


def _both(entry: Entry) -> Both:
    from workbench.leaderboard.reproduce.effects import Both

    assert entry.evaluation is not None
    second = entry.with_template.evaluation if entry.with_template else None
    return Both.of(entry.evaluation, second)


def _reproduction(
    plan: Plan, claim: Claim, entry: Entry, relatives: Mapping[str, Entry]
) -> dict[str, Any]:
    from workbench.leaderboard.reproduce.record import reproduction

    both = _both(entry)
    # Of two evaluations, the one under the entry's own condition is held against it.
    ours = both.under(True) if claim.entry.chat_template else both.without
    found = reproduction(claim, ours or both.without, _weights(entry), entry.node.seed)
    found["effects"] = entry.effects
    found["parents"] = [
        _against(plan, claim, entry, name, each, row)
        for name, each in relatives.items()
        if (row := _published(plan, claim, each)) is not None and row != claim.entry
    ]
    return found


def _weights(entry: Entry) -> dict[str, Any]:
    from workbench.bases.identity import identity

    node = entry.node
    if node.kind == "base":
        commit = identity(node.config).get("commit")
        words = node.config.base_model + (f" at {commit[:12]}" if commit else "")
        return {"words": words, "revision": commit or node.key}
    return {"words": f"{node.name}, made here ({node.kind}, key {node.key})", "revision": node.key}


def _published(plan: Plan, claim: Claim, relative: Entry) -> PublishedEntry | None:
    """The row of a relative in the claim's snapshot: as claimed of it, or under its hub id."""
    for other in plan.claims:
        if other.output == relative.node.name and other.entry.snapshot == claim.entry.snapshot:
            return other.entry
    if relative.node.kind != "base" or plan.suite is None:
        return None
    from workbench.leaderboard.published import find

    try:
        return find(plan.suite.name, relative.node.config.base_model, claim.entry.snapshot)
    except UserError:
        # A parent that was never published.
        return None


def _against(
    plan: Plan, claim: Claim, entry: Entry, name: str, parent: Entry, row: PublishedEntry
) -> dict[str, Any]:
    """The published difference to a parent: what it is made of, and what luck would show."""
    from workbench.leaderboard.reproduce.gap import published_gap

    found: dict[str, Any] = {
        "parent": name,
        "entry": row.entry,
        "chat_template": {"entry": claim.entry.chat_template, "parent": row.chat_template},
        "gap": {},
        "refused": [],
        "luck": None,
    }
    try:
        found["gap"] = published_gap(claim, row, _both(entry), _both(parent))
    except StepFailed as error:
        found["refused"] = [problem.fact for problem in error.problems]
    if claim.scheme is not None:
        from workbench.leaderboard.luck import compare_published

        try:
            found["luck"] = compare_published(claim.entry, row, scheme=claim.scheme)
        except UserError as error:
            found["refused"] += [problem.fact for problem in error.problems]
    return found
