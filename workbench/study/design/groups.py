"""Which group and family each base of a study is of, and how much went into it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.bases.config import BaseConfig
from workbench.study.design.config import StudyBaseConfig, StudyConfig

#: Names of a group that the catalogue can fill: it knows the country of a lab and nothing more.
CHINESE = {"chinese", "china", "cn", "chinese bases", "chinese labs"}

Source = Literal["recipe", "catalogue"]


@dataclass(frozen=True)
class BaseFacts:
    """What a study knows of one base. ``group`` and ``family`` are empty where nobody says.

    ``compute`` is log10 of parameters times training tokens, ``log_parameters`` log10 of the
    parameters and ``tokens`` the training tokens, all in billions; ``None`` is not known.
    ``cause`` was planted.
    """

    name: str
    group: str
    asked: bool
    family: str
    group_source: Source
    family_source: Source
    cause: str | None = None
    compute: float | None = None
    log_parameters: float | None = None
    tokens: float | None = None
    lab: str | None = None
    country: str | None = None


def facts_of(
    study: StudyConfig, bases: Mapping[str, BaseConfig], parameters: Mapping[str, int | None]
) -> dict[str, BaseFacts]:
    """The facts of every one of ``bases``; what the recipe says goes before the catalogue.

    ``parameters`` are counts of weights, by base, of those that the catalogue does not have.
    """
    return {
        name: _facts(name, base, study.bases.get(name, StudyBaseConfig()), study, parameters)
        for name, base in bases.items()
    }


def by_country(study: StudyConfig) -> bool:
    """Whether the study's groups are those of the catalogue: labs in China, and the others."""
    return study.asked.strip().casefold() in CHINESE


def sizes(facts: Iterable[BaseFacts], study: StudyConfig) -> dict[str, dict[str, int]]:
    """How many bases each family of each group has: ``{group: {family: bases}}``."""
    found: dict[str, dict[str, int]] = {study.asked: {}, study.others: {}}
    for each in facts:
        if each.group in found:
            of = found[each.group]
            of[each.family] = of.get(each.family, 0) + 1
    return found


def compute_of(parameters: float, tokens: float) -> float:
    """log10 of parameters times training tokens, both in billions.

    The product is the compute of pretraining up to a factor of 6 (Kaplan et al., arXiv 2001.08361,
    section 2.1), which the logarithm makes a constant.
    """
    return math.log10(parameters * tokens)


def _facts(
    name: str,
    base: BaseConfig,
    said: StudyBaseConfig,
    study: StudyConfig,
    counted: Mapping[str, int | None],
) -> BaseFacts:
    from workbench.bases.derived import known

    entry = known(base.base_model)
    group = said.group or ""
    if not group and entry is not None and by_country(study):
        group = study.asked if entry.country == "CN" else study.others
    parameters = (entry.parameters if entry else None) or counted.get(name)
    tokens = entry.training_tokens if entry else None
    compute = said.compute
    if compute is None and parameters and tokens:
        # Of a mixture of experts, those that work on a token.
        active = (entry.active_parameters if entry else None) or parameters
        compute = compute_of(active / 1e9, tokens)
    return BaseFacts(
        name=name,
        group=group,
        asked=group == study.asked,
        family=said.family or (entry.family if entry else ""),
        group_source="recipe" if said.group else "catalogue",
        family_source="recipe" if said.family else "catalogue",
        cause=said.cause,
        compute=compute,
        log_parameters=math.log10(parameters / 1e9) if parameters else None,
        tokens=tokens,
        lab=entry.lab.name if entry else None,
        country=entry.country if entry else None,
    )
