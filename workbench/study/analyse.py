"""The whole analysis of a study, from its frame to ``results["study"]``; no torch.

A run and a published table come here alike: a table has no probes, no registration and no sweep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.progress import Progress, Silent
from workbench.study.design.groups import BaseFacts
from workbench.study.design.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from workbench.study.hypothesis import Finding

CANNOT = (
    "The groups were not assigned: whatever else differs between their makers differs here too.",
    "Final score, gain and gain from an equal start answer different questions; none is the one "
    "true measure (Lord's paradox).",
    "Bases of one family are not independent, so families are counted: many bases of one maker add "
    "little.",
    "A statistic that goes with the gain need not be its cause. Holding it equal undoes what it "
    "measures, with the error of its measurement left in.",
)


def analyse(
    frame: pd.DataFrame,
    *,
    settings: Settings,
    findings: Mapping[str, Mapping[str, Finding]] | None = None,
    registration: Mapping[str, Any] | None = None,
    rates: Mapping[str, Any] | None = None,
    matched: Mapping[str, Any] | None = None,
    collapsed: Sequence[Mapping[str, Any]] = (),
    holes: Sequence[Mapping[str, Any]] = (),
    conditions: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """``results["study"]``: JSON only, ``None`` for what is not known.

    Args:
        frame: as :mod:`workbench.study.scores.frame` has it.
        settings: what was asked.
        findings: by hypothesis, then by base.
        registration: as :func:`workbench.study.design.registration.register` gives it.
        rates, matched, collapsed, holes, conditions, source: sections of the results that are
            passed on as they are.
    """
    from workbench.study.planted import planted
    from workbench.study.statistics import estimands, published
    from workbench.study.statistics.detectable import power_of
    from workbench.study.statistics.mixed_lm import mixed_lm
    from workbench.study.verdicts import answers, explain, paradox
    from workbench.study.verdicts.judged import judge

    tell = progress or Silent()
    whole = frame[~frame["collapsed"].astype(bool)]
    findings = findings or {}
    facts = settings.facts or facts_of(frame)
    settings = Settings(**{**vars(settings), "facts": facts})
    tell.line(f"{len(frame)} rows of {frame['base'].nunique()} bases: the differences of groups")
    found = [
        one.as_dict()
        for one in estimands.estimands(
            frame,
            margin=settings.margin,
            alpha=settings.alpha,
            permutations=settings.permutations,
            asked=settings.asked,
            seed=settings.seed,
        )
    ]
    variance = estimands.variance(frame, asked=settings.asked)
    if variance is not None:
        variance["statsmodels"] = mixed_lm(frame, asked=settings.asked)
    if variance is not None and settings.bayesian:
        variance["bayesian"] = _second_opinion(frame, settings, tell)
    causes = {name: one.cause for name, one in facts.items() if one.cause is not None}
    matrix = planted(findings, causes) if causes and findings else None
    said = answers.verdicts(found)
    judged = judge(
        frame,
        settings,
        findings,
        controls(findings, matrix),
        alike=said.get("gain") == "equivalent",
    )
    power = power_of(whole, variance, settings)
    study = {
        "question": settings.question,
        "answer": answers.answer(found, judged, matrix, settings),
        "verdict": said,
        "groups": groups_of(frame, settings),
        "registration": registration,
        "estimands": found,
        "paradox": paradox.paradox(
            whole, found, asked=settings.asked, others=settings.others
        ),
        "interaction": estimands.interaction(frame, asked=settings.asked, seed=settings.seed),
        "model": variance,
        "hypotheses": judged,
        "planted": matrix,
        "power": power,
        "rates": rates,
        "matched": matched,
        "collapsed": list(collapsed),
        "holes": list(holes),
        "conditions": {
            **(conditions or {}),
            "margin": settings.margin,
            "alpha": settings.alpha,
            "seed": settings.seed,
            "rules": {"explain": explain.RULE, "published": published.METHOD},
            "cannot_be_concluded": list(CANNOT),
        },
        "would_change": answers.would_change(found, judged, power, settings),
        "source": source,
    }  # fmt: skip
    return plain(study)  # type: ignore[no-any-return]


def _second_opinion(frame: pd.DataFrame, settings: Settings, progress: Progress) -> dict[str, Any]:
    from workbench.study.statistics.bayesian import posterior

    progress.line("the Bayesian model: minutes")
    return posterior(frame, asked=settings.asked, margin=settings.margin, seed=settings.seed)


def facts_of(frame: pd.DataFrame) -> dict[str, BaseFacts]:
    """What a frame says of its bases, where nobody else does."""
    first = frame.groupby("base", sort=True).first()
    return {
        str(base): BaseFacts(
            name=str(base),
            group=str(row["group"]),
            asked=bool(row["asked"]),
            family=str(row["family"]),
            group_source="recipe",
            family_source="recipe",
            compute=_number(row["compute"]),
            log_parameters=_number(row["log_parameters"]),
        )
        for base, row in zip(first.index, first.to_dict("records"), strict=True)
    }


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def groups_of(frame: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """Both groups with their sizes as far as they were scored, and every base of the study."""
    sizes = {}
    for group in (settings.asked, settings.others):
        rows = frame[frame["group"] == group]
        sizes[group] = {
            "families": int(rows["family"].nunique()),
            "bases": int(rows["base"].nunique()),
        }
    return {
        "asked": settings.asked,
        "others": settings.others,
        "sizes": sizes,
        "bases": [
            {
                "base": name,
                "group": one.group,
                "family": one.family,
                "family_source": "table" if settings.table else one.family_source,
                "compute": one.compute,
                **({} if one.cause is None else {"cause": one.cause}),
            }
            for name, one in settings.facts.items()
        ],
    }


def controls(
    findings: Mapping[str, Any], matrix: Mapping[str, Any] | None
) -> dict[str, dict[str, Any] | None]:
    """Each probe's positive control: this very study's, where causes were planted in it, else the
    record that is shipped."""
    from workbench.study.controls import control, control_of
    from workbench.study.hypothesis import hypotheses

    if matrix is not None:
        return {row["name"]: control(row, "this study") for row in matrix["rows"]}
    known = hypotheses()
    return {name: control_of(known[name]) for name in findings}


def plain(value: Any) -> Any:
    """``value`` as JSON has it: no tuples, no numpy, ``None`` for what is no finite figure."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
