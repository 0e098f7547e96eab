"""What is wrong with a study and can be known without weights, each at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.errors import Problem
from workbench.recipe.faults import KeyPath
from workbench.recipe.graph import parents_of
from workbench.recipe.hypothesising import hypothesis_problems
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.study_plan import base_facts
from workbench.recipe.study_scores import scoring_problems
from workbench.recipe.words import did_you_mean, likely
from workbench.study.design.config import StudyConfig
from workbench.study.design.groups import BaseFacts, by_country
from workbench.study.design.matrix import BASE, of_the_base, rates_of


def study_problems(
    loaded: LoadedRecipe, configs: Mapping[str, dict[str, Any] | None]
) -> Iterator[Problem]:
    """Everything about ``study:`` that cannot be; ``configs`` are those of ``shapes``."""
    study = loaded.recipe.study
    if study is None:
        return
    facts = base_facts(loaded, configs)
    yield from _treatment_problems(loaded, study)
    yield from _base_problems(loaded, study, facts)
    yield from _rate_problems(loaded, study)
    yield from scoring_problems(loaded, study)
    yield from hypothesis_problems(loaded, study)
    if study.bayesian:
        from workbench.study.statistics import bayesian

        if not bayesian.installed():
            yield replace(bayesian.MISSING, where=loaded.where(("study", "bayesian")))


def once_a_treatment(problems: Sequence[Problem], loaded: LoadedRecipe) -> list[Problem]:
    """``problems`` with those of a treatment that differ in the base alone told once."""
    matrix = loaded.matrix
    if matrix is None or not matrix.treatments:
        return list(problems)
    plain = {**dict.fromkeys(matrix.bases, BASE), **matrix.treatments}
    names = "|".join(re.escape(name) for name in sorted(plain, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.-])(?:{names})(?![\w-])")

    def alike(text: str) -> str:
        return pattern.sub(lambda found: plain[found[0]], text)

    groups: dict[Any, list[Problem]] = {}
    for each in problems:
        key = (each.where, *map(alike, (each.fact, each.cause, each.remedy)))
        groups.setdefault(key if each.where else (id(each),), []).append(each)
    told = []
    for group in groups.values():
        others = len(set(group)) - 1
        often = "once" if others == 1 else f"{others} times"
        more = f" (and the same {often} more in the study)"
        told.append(replace(group[0], fact=group[0].fact + more) if others else group[0])
    return told


def _written(loaded: LoadedRecipe, path: KeyPath) -> list[str]:
    node = loaded.root.find(path)
    return list(node.content) if node and isinstance(node.content, dict) else []


def _treatment_problems(loaded: LoadedRecipe, study: StudyConfig) -> Iterator[Problem]:
    place: KeyPath = ("study", "treatment")
    written = loaded.root.find(place)
    if written is not None and not written.content:
        yield Problem(
            "the study has no treatment",
            "it is what every base is given, and what a gain is the gain from",
            "write an output under it: tuned: {finetune: {base_model: base, …}}",
            loaded.where(place, key=True),
        )
        return
    parents = {name: parents_of(output.step) for name, output in study.treatment.items()}
    treated = of_the_base(parents)
    # What is made from nothing known, or in a circle, is told of already.
    known = {*loaded.recipe.bases, *loaded.recipe.outputs}
    for name, above in parents.items():
        if name not in treated and known.issuperset(above):
            yield Problem(
                f"treatment {name} is not made from base",
                f"it is made from {' and '.join(above)}, so that it would be the same whatever the "
                "base",
                "name base where it stands for each base in turn, or write it under outputs",
                loaded.where((*place, name), key=True),
            )


def _base_problems(
    loaded: LoadedRecipe, study: StudyConfig, facts: Mapping[str, BaseFacts]
) -> Iterator[Problem]:
    place: KeyPath = ("study", "bases")
    written = _written(loaded, ("bases",))
    meant: set[str | None] = set()
    for name in _written(loaded, place):
        if name not in written:
            near = likely(name, written)
            meant.add(near)
            there = f"there are: {', '.join(written[:12])}" if written else "declare it under bases"
            yield Problem(
                f"{name[:80]!r} is no base of this recipe",
                "the study knows the bases that stand under bases",
                f"did you mean {near}?" if near else there,
                loaded.where((*place, name), key=True),
            )
    for each in facts.values():
        groups = (study.asked, study.others)
        if each.group and each.group not in groups:
            yield Problem(
                f"{each.name} is of a group {each.group!r}",
                f"the study compares {study.asked} with {study.others}",
                did_you_mean(each.group, groups),
                loaded.where((*place, each.name, "group")),
            )
        # That nothing is said of a base follows from its name's being mistyped.
        if each.name not in meant:
            yield from _unknown(loaded, study, each)
        yield from _cause_problems(loaded, study, each)
    unsaid = [each.name for each in facts.values() if each.group not in (study.asked, study.others)]
    for group in () if unsaid else (study.asked, study.others):
        if not any(each.group == group for each in facts.values()):
            yield Problem(
                f"no base is of the group {group}",
                "a study compares two groups, and has nothing to compare with here",
                f"add bases of {group}, from several families, or say of some that they are "
                f"of it: study: bases: {{NAME: {{group: {group}}}}}",
                loaded.where(("bases",), key=True),
            )


def _unknown(loaded: LoadedRecipe, study: StudyConfig, facts: BaseFacts) -> Iterator[Problem]:
    lacking = [word for word in ("group", "family") if not getattr(facts, word)]
    if not lacking:
        return
    model = loaded.recipe.bases[facts.name].base_model
    say = {"group": f"{study.asked} or {study.others}", "family": "NAME"}
    said = ", ".join(f"{word}: {say[word]}" for word in lacking)
    cause = f"the catalogue has no {model[:80]}"
    if facts.country is not None and not by_country(study):
        cause = f"the catalogue knows who made it where, not what is {study.asked}"
    yield Problem(
        f"the {' and the '.join(lacking)} of base {facts.name} "
        f"{'are' if len(lacking) > 1 else 'is'} not known",
        cause,
        f"say it in the recipe: study: bases: {facts.name}: {{{said}}}",
        loaded.where(("bases", facts.name), key=True),
    )


def _cause_problems(
    loaded: LoadedRecipe, study: StudyConfig, facts: BaseFacts
) -> Iterator[Problem]:
    """A cause that is one letter off would be counted as one that no probe is to find."""
    if facts.cause is None:
        return
    from workbench.study.hypothesis import hypotheses

    known = {"clean", *(cause for each in hypotheses().values() for cause in each.control)}
    near = likely(facts.cause, known, cutoff=0.75)
    if facts.cause not in known and near is not None:
        yield Problem(
            f"no probe looks for a cause {facts.cause[:80]!r}",
            f"those planted are: {', '.join(sorted(known))}",
            f"did you mean {near}?",
            loaded.where(("study", "bases", facts.name, "cause")),
        )


def _rate_problems(loaded: LoadedRecipe, study: StudyConfig) -> Iterator[Problem]:
    given = study.learning_rates or []
    rates = rates_of(study)
    swept = study.learning_rates is not None or study.fixed_rate is not None
    key = "learning_rates" if study.learning_rates is not None else "fixed_rate"
    for index, rate in enumerate(given):
        if rate in given[:index]:
            yield Problem(
                f"the learning rate {rate:g} is listed twice",
                "each would make the same outputs again",
                "remove one of the two",
                loaded.where(("study", "learning_rates", index)),
            )
    if swept and study.treatment and not rates.own:
        yield Problem(
            "the treatment has no fine-tune that a learning rate could change",
            "",
            f"remove {key}, or add a finetune to the treatment",
            loaded.where(("study", key), key=True),
        )
    elif swept and rates.fixed is None:
        own = ", ".join(f"{rate:g}" for rate in rates.own)
        yield Problem(
            "it is not said at which learning rate the hypotheses compare the bases",
            f"the fine-tunes of the treatment have several: {own}",
            f"add fixed_rate: {(given or rates.own or (1e-4,))[0]:g}",
            loaded.where(("study", key), key=True),
        )
