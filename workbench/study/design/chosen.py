"""The hypotheses that a study names, with their options and the trainings that they order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.study.design.config import ALL, Hypotheses, HypothesisConfig, StudyConfig

if TYPE_CHECKING:
    from workbench.study.hypothesis import Arm, Hypothesis


@dataclass(frozen=True)
class Chosen:
    """A hypothesis of a study, with every option it takes, given or by default.

    One that is ``registered`` is corrected with the others so named; the rest is exploration.
    """

    name: str
    registered: bool
    options: Mapping[str, Any]
    hypothesis: Hypothesis


def chosen_of(study: StudyConfig) -> tuple[Chosen, ...]:
    """The hypotheses of ``study``, the registered ones first, each once; unknown ones left out."""
    from workbench.study.hypothesis import hypotheses

    known = hypotheses()
    found: dict[str, Chosen] = {}
    for registered, listed in ((True, study.hypotheses), (False, study.explore)):
        # What is named in person may carry options that `all` does not.
        named = {each.name for each in (*_listed(study.hypotheses), *_listed(study.explore))}
        for name, options in _entries(listed, known, named - {ALL}):
            if name in known and name not in found:
                whole = {**known[name].options, **options}
                found[name] = Chosen(name, registered, whole, known[name])
    return tuple(found.values())


def arms_of(study: StudyConfig) -> list[tuple[str, Arm]]:
    """The trainings that the hypotheses of ``study`` order, each with the hypothesis' name."""
    return [(each.name, arm) for each in chosen_of(study) for arm in each.hypothesis.arms]


def _listed(given: Hypotheses) -> list[HypothesisConfig]:
    return [HypothesisConfig(name=ALL)] if given == ALL else list(given)  # type: ignore[arg-type]


def _entries(
    given: Hypotheses, known: Mapping[str, Any], named: set[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in _listed(given):
        if each.name == ALL:
            yield from ((name, {}) for name in known if name not in named)
        else:
            yield each.name, each.options
