"""What ``workbench check`` says of a study: its question, its size, and what it can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workbench.recipe.study_power import families_of, judged, power_of
from workbench.study.design.registration import differences_of, read_records
from workbench.terminal import printable

if TYPE_CHECKING:
    from workbench.recipe.plan import Plan
    from workbench.store.home import Home
    from workbench.study.design.plan import StudyPlan

#: More names than a line holds.
NAMED = 12
#: Differences to the study that was registered before, told one by one.
DIFFERENCES = 5


def study_lines(plan: Plan, home: Home) -> Iterator[str]:
    """The lines on the study of ``plan``; none without one."""
    study = plan.study
    if study is None:
        return
    config = study.config
    yield f"question: {printable(config.question)}"
    for group, families in families_of(plan).items():
        bases = [each.name for each in study.bases.values() if each.group == group]
        asked = " (asked about)" if group == config.asked else ""
        yield (
            f"  {printable(group)}{asked}: {count(len(families), 'family', 'families')} "
            f"({named(families)}), {count(len(bases), 'base')}: {named(bases)}"
        )
    causes = {each.cause: 0 for each in study.bases.values() if each.cause is not None}
    if causes:
        yield f"  planted: {named(causes)}"
    yield from matrix_lines(plan, study)
    yield from _hypothesis_lines(study)
    yield _registration(study, home, plan.name)


def matrix_lines(plan: Plan, study: StudyPlan) -> Iterator[str]:
    """How many outputs there are, and why so many."""
    nodes = plan.by_name
    arms = {c.output for c in study.cells if c.arm} - {c.output for c in study.cells if not c.arm}
    plain = {c.output for c in study.cells if not c.arm}
    factors = [
        count(len(study.bases), "base"),
        count(len(study.treatments), "treatment"),
        *([count(len(study.rates), "rate")] if study.rates else []),
        count(len(study.seeds), "seed"),
    ]
    own = sum(len(nodes[name]) for name in plain)
    extra = sum(len(nodes[name]) for name in arms)
    words = [f"matrix: {' x '.join(factors)} = {count(own, 'output')}"]
    if arms:
        kinds = {cell.arm for cell in study.cells if cell.output in arms}
        words.append(
            f"{extra} more that hypotheses order of the first treatment ({named(sorted(kinds))})"
        )
    every = {node.id: node for name in plain | arms for node in nodes[name]}
    trained = sum(node.kind == "finetune" for node in every.values())
    words.append(f"{count(trained, 'fine-tune')} in all")
    yield "; ".join(words)
    if study.rates:
        fixed = f"; hypotheses compare at {study.fixed_rate:g}" if study.fixed_rate else ""
        yield (
            f"learning rates: {', '.join(f'{rate:g}' for rate in study.rates)}, each base's best "
            f"chosen on the half of the items that it is not judged on{fixed}"
        )


def power_lines(plan: Plan) -> Iterator[str]:
    """What the design can detect, or that it cannot answer; and what more of it would bring."""
    study = plan.study
    if study is None:
        return
    found = power_of(plan)
    if found is None:
        return
    config, items = study.config, judged(plan)
    design = " and ".join(
        f"{count(len(families), 'family', 'families')} of {printable(group)}"
        for group, families in families_of(plan).items()
    )
    unknown = f" ({named(items.unknown)} not counted)" if items.unknown else ""
    counted = (
        f"{design}, {count(len(study.bases), 'base')}, "
        f"{count(len(study.seeds), 'seed')}, {items.half:,} items in the half that is judged"
        f"{unknown}"
    )
    if found.can_answer and found.smallest is not None:
        yield (
            f"can detect: a difference between the groups of {100 * found.smallest:.1f} points "
            f"or more, with {config.power:.0%} power at alpha {config.alpha:g}"
        )
    else:
        yield f"cannot answer this question: {found.reason}"
    yield (
        f"  for {counted}, and gains that vary by {100 * config.spread:g} points (SD, assumed) "
        "between families"
    )
    for more in found.more:
        yield f"  {more}"
    yield from _explanation_lines(plan, study)


def _explanation_lines(plan: Plan, study: StudyPlan) -> Iterator[str]:
    """Where so few families allow no explanation to be supported, whatever the bases show."""
    from workbench.compare.permutation import least_p

    asked, others = (len(families) for families in families_of(plan).values())
    registered = len(study.registered)
    if study.planted or not (registered and asked and others):
        return
    least = min(1.0, registered * least_p(asked + others, asked))
    if least > study.config.alpha:
        named_so = count(registered, "registered hypothesis", "registered hypotheses")
        yield (
            f"cannot support an explanation: of {named_so} on so few families the "
            f"smallest adjusted p there can be is {least:.2g}; "
            "fewer of them, or more families, would change that"
        )


def _hypothesis_lines(study: StudyPlan) -> Iterator[str]:
    from workbench.study.hypothesis import hypotheses

    known = hypotheses()
    explored = [name for name in study.hypotheses if name not in study.registered]
    if not study.hypotheses:
        yield "hypotheses: none; name some under hypotheses, or all"
    for words, names in (("registered", study.registered), ("explored", explored)):
        if names:
            yield f"hypotheses, {words}:"
            for name in names:
                yield f"  {name}: {printable(known[name].cost)}"
    if study.hypotheses:
        yield "  (what they train and score is in the times below, their own passes are not)"


def _registration(study: StudyPlan, home: Home, name: str) -> str:
    """The hash of what was decided, beside what this home has on record."""
    now = study.registration
    words = f"registration: {now.hash}"
    records = read_records(home.studies / f"{name}.jsonl")
    if not records:
        return f"{words}, to be stored before the first result"
    last = records[-1]
    seen = count(last["results_seen"], "result")
    if last["hash"] == now.hash:
        return f"{words}, stored {last['registered']} when {seen} of the study existed"
    found = differences_of(last["content"], now.content)
    more = f"; and {len(found) - DIFFERENCES} more" if len(found) > DIFFERENCES else ""
    told = "; ".join(printable(each) for each in found[:DIFFERENCES])
    return (
        f"{words}, which changes what was stored {last['registered']} as {last['hash']}, and the "
        f"report will say so: {told}{more}"
    )


def count(number: int, word: str, words: str | None = None) -> str:
    """``1 base``, ``2 bases``, ``2 families``."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def named(names: Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
    """The names, the first dozen of them."""
    listed = list(names)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return printable(", ".join(listed[:NAMED])) + more
