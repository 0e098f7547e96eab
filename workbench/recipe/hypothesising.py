"""The hypotheses that a study names: whether there are such, their options, and what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import Problem, Where
from workbench.finetune.config import FinetuneConfig
from workbench.recipe.faults import shown
from workbench.recipe.graph import parents_of
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.paths import local_folder
from workbench.recipe.words import did_you_mean, likely
from workbench.study.design.chosen import chosen_of
from workbench.study.design.config import ALL, HypothesisConfig, StudyConfig
from workbench.study.design.matrix import rates_of, with_parents
from workbench.study.hypothesis import Hypothesis, Need, hypotheses

KEYS = ("hypotheses", "explore")

#: What a hypothesis lacks, and what to write.
_LACKING: dict[Need, tuple[str, str]] = {
    "suspect": (
        "items that the bases may have seen before",
        "add suspect: FILE with a line {id, question, answer} an item, or the name of a task",
    ),
    "fresh": (
        "fresh items, which no base can have seen",
        "add fresh: FILE with a line {id, question, answer} an item, made like the suspect ones",
    ),
    "rates": (
        "a sweep of learning rates",
        "add learning_rates: [LOW, …, HIGH] with two at least",
    ),
    "treatment": (
        "a fine-tune, and the first treatment has none",
        "put a finetune first under treatment",
    ),
    "chat_template": (
        "a chat template, and no base has one",
        "set chat_template on the bases, or remove the hypothesis",
    ),
}


def hypothesis_problems(loaded: LoadedRecipe, study: StudyConfig) -> Iterator[Problem]:
    """Problems of every hypothesis named, each at its entry."""
    known = hypotheses()
    seen: dict[str, Where] = {}
    for key in KEYS:
        given = getattr(study, key)
        for index, each in enumerate(() if given == ALL else given):
            where = loaded.where(("study", key, index))
            if each.name == ALL:
                continue
            if each.name not in known:
                near = likely(each.name, known)
                yield Problem(
                    f"there is no hypothesis {each.name[:80]!r}",
                    "" if near else f"there are {', '.join(known)}",
                    f"did you mean {near}?" if near else "name one of these",
                    where,
                )
                continue
            if each.name in seen:
                first = seen[each.name].line
                yield Problem(
                    f"hypothesis {each.name} is named twice",
                    f"once in line {first}" if first else "",
                    "remove one of the two: it is registered, or it is explored",
                    where,
                )
            seen.setdefault(each.name, where)
            yield from _option_problems(loaded, key, index, each, known[each.name])
    yield from _need_problems(loaded, study, seen)


def _option_problems(
    loaded: LoadedRecipe, key: str, index: int, given: HypothesisConfig, known: Hypothesis
) -> Iterator[Problem]:
    for name, value in given.options.items():
        if name not in known.options:
            yield Problem(
                f"hypothesis {known.name} has no option {name[:80]!r}",
                "" if known.options else "it has none",
                did_you_mean(name, list(known.options)) or "remove it",
                loaded.where(("study", key, index, name), key=True),
            )
        elif not _fits(value, default := known.options[name]):
            yield Problem(
                f"{name} of hypothesis {known.name} should be {_kind(default)}, not {shown(value)}",
                "",
                f"it is {shown(_listed(default))} by default",
                loaded.where(("study", key, index, name)),
            )


def _fits(value: Any, default: Any) -> bool:
    """Whether ``value`` is of the kind of an option's ``default``."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int) or (isinstance(default, float) and isinstance(value, float))
    if isinstance(default, list | tuple):
        items = value if isinstance(value, list) else None
        return items is not None and all(_fits(each, default[0]) for each in items if default)
    if isinstance(default, Mapping):
        return isinstance(value, dict)
    return isinstance(value, type(default))


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int):
        return "a whole number"
    if isinstance(default, float):
        return "a number"
    if isinstance(default, list | tuple):
        return f"a list of {_kind(default[0]).partition(' ')[2]}s" if default else "a list"
    return "a mapping" if isinstance(default, Mapping) else "a text"


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _need_problems(
    loaded: LoadedRecipe, study: StudyConfig, seen: Mapping[str, Where]
) -> Iterator[Problem]:
    lacking = _lacking(loaded, study)
    # Where `all` asks for them, one problem names every hypothesis that lacks the same.
    found: dict[tuple[Need, Where], list[str]] = {}
    for each in chosen_of(study):
        key = "hypotheses" if each.registered else "explore"
        where = seen.get(each.name) or loaded.where(("study", key))
        arms: tuple[Need, ...] = ("treatment",) if each.hypothesis.arms else ()
        for need in dict.fromkeys((*each.hypothesis.needs, *arms)):
            if need in lacking:
                found.setdefault((need, where), []).append(each.name)
    for (need, where), names in found.items():
        what, remedy = _LACKING[need]
        several = len(names) > 1
        yield Problem(
            f"hypothes{'e' if several else 'i'}s {', '.join(names)} need{'' if several else 's'} "
            f"{what}",
            "" if need in ("treatment", "chat_template") else "the study gives none",
            remedy,
            where,
        )


def _lacking(loaded: LoadedRecipe, study: StudyConfig) -> set[Need]:
    """The needs that the recipe does not meet; that of scores is told where they are refused."""
    lacking: set[Need] = set()
    if study.suspect is None:
        lacking.add("suspect")
    if study.fresh is None:
        lacking.add("fresh")
    if len(rates_of(study).tried) < 2:
        lacking.add("rates")
    if study.treatment:
        parents = {name: parents_of(output.step) for name, output in study.treatment.items()}
        first = with_parents(next(iter(study.treatment)), parents)
        steps = [study.treatment[name].step for name in first]
        if not any(isinstance(step, FinetuneConfig) for step in steps):
            lacking.add("treatment")
    if not _any_template(loaded):
        lacking.add("chat_template")
    return lacking


def _any_template(loaded: LoadedRecipe) -> bool:
    """Whether a base has a chat template, as far as that is known."""
    from workbench.bases.derived import known
    from workbench.finetune.template import has_chat_template

    bases = loaded.matrix.bases if loaded.matrix else ()
    for name in bases:
        base = loaded.recipe.bases.get(name)
        if base is None or base.chat_template is not None:
            return True
        folder = local_folder(base)
        if folder is not None:
            if has_chat_template(folder):
                return True
            continue
        entry = known(base.base_model)
        if entry is None or entry.chat.template is not False:
            return True
    return not bases
