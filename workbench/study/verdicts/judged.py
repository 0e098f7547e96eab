"""Every hypothesis of a study, judged: a row of ``results["study"]["hypotheses"]`` each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.study.verdicts.explain import (
    Effect,
    Explained,
    Verdict,
    effect_of,
    explained,
    gains,
    measured,
    verdict_of,
)
from workbench.study.words import between, figure, p_value, points

if TYPE_CHECKING:
    import pandas as pd

    from workbench.study.design.settings import Settings
    from workbench.study.hypothesis import Finding, Hypothesis


def judge(
    frame: pd.DataFrame,
    settings: Settings,
    findings: Mapping[str, Mapping[str, Finding]],
    controls: Mapping[str, Mapping[str, Any] | None],
    *,
    alike: bool,
) -> list[dict[str, Any]]:
    """The rows in the order of ``findings``: the registered ones adjusted by Holm, all others by
    Benjamini and Hochberg.

    ``controls`` holds each probe's positive control; ``alike`` says that the groups are shown to
    gain alike. The facts of bases come from ``frame`` and ``settings.facts``.
    """
    from workbench.compare.multiplicity import benjamini_hochberg, holm
    from workbench.study.hypothesis import hypotheses

    known = hypotheses()
    rows = gains(frame)
    tested = {name: measured(rows, found) for name, found in findings.items()}
    effects = {name: effect_of(families, seed=settings.seed) for name, families in tested.items()}
    adjusted: dict[str, float] = {}
    for registered, adjust in ((True, holm), (False, benjamini_hochberg)):
        names = [name for name in findings if (name in settings.registered) == registered]
        # What could not be measured was asked all the same: it stays in the count.
        ps = [1.0 if (e := effects[name]) is None else e.p for name in names]
        adjusted |= dict(zip(names, adjust(ps), strict=True))
    return [
        _row(
            known[name],
            found,
            effect=effects[name],
            part=explained(tested[name], seed=settings.seed),
            bases=tested[name],
            p_adjusted=None if effects[name] is None else adjusted[name],
            control=controls.get(name),
            settings=settings,
            alike=alike,
        )
        for name, found in findings.items()
    ]


def _row(
    hypothesis: Hypothesis,
    findings: Mapping[str, Finding],
    *,
    effect: Effect | None,
    part: Explained | None,
    bases: pd.DataFrame,
    p_adjusted: float | None,
    control: Mapping[str, Any] | None,
    settings: Settings,
    alike: bool,
) -> dict[str, Any]:
    registered = hypothesis.name in settings.registered
    said = verdict_of(
        effect,
        part,
        p_adjusted=p_adjusted,
        sign=hypothesis.sign,
        margin=hypothesis.margin,
        alpha=settings.alpha,
        alike=alike,
        control=None if control is None else control["passed"],
    )
    missing = None if effect is not None else _missing(findings, bases, settings)
    return {
        "name": hypothesis.name,
        "title": hypothesis.title,
        "question": hypothesis.question,
        "registered": registered,
        "statistic": hypothesis.statistic,
        "unit": hypothesis.unit,
        "paper": hypothesis.paper,
        "procedure": hypothesis.procedure,
        "rule": hypothesis.rule,
        "margin": hypothesis.margin,
        "effect": None
        if effect is None
        else {
            "value": effect.coefficient.value,
            "ci95": effect.interval(0.95),
            "ci90": effect.interval(0.9),
            "p": effect.coefficient.p,
            "p_permutation": effect.p_permutation,
            "least_p": effect.least_p,
            "p_adjusted": p_adjusted,
            "adjustment": "Holm" if registered else "BH",
            "df": effect.coefficient.df,
            "families": bases["family"].nunique(),
        },
        "explains": None if part is None else part.as_dict(),
        "verdict": said,
        "words": _words(
            hypothesis, said, effect, part, p_adjusted, control, missing, settings, alike
        ),
        "control": None if control is None else dict(control),
        "bases": _bases(hypothesis, findings, settings),
        "missing": missing,
    }


def _bases(
    hypothesis: Hypothesis, findings: Mapping[str, Finding], settings: Settings
) -> list[dict[str, Any]]:
    from workbench.study.planted import decisions

    fires = decisions(hypothesis, findings)
    return [
        {
            "base": base,
            "group": settings.facts[base].group if base in settings.facts else "",
            "family": settings.facts[base].family if base in settings.facts else "",
            "value": found.value,
            "ci95": found.ci95,
            "n": found.n,
            "fires": fires[base],
            "words": found.words,
            "parts": dict(found.parts),
        }
        for base, found in findings.items()
    ]


def _missing(findings: Mapping[str, Finding], bases: pd.DataFrame, settings: Settings) -> str:
    """Why there is no difference of groups in the statistic."""
    from workbench.study.statistics.model import cannot

    unmeasured = [found for found in findings.values() if found.value is None]
    if not findings:
        return "no base was probed"
    if len(unmeasured) == len(findings):
        return f"it could not be measured in any base ({unmeasured[0].words})"
    count = [int(bases["family"][bases["asked"] == side].nunique()) for side in (True, False)]
    return cannot(count[0], count[1], settings.alpha) or "the families are too few"


def _words(
    hypothesis: Hypothesis,
    said: Verdict,
    effect: Effect | None,
    part: Explained | None,
    p_adjusted: float | None,
    control: Mapping[str, Any] | None,
    missing: str | None,
    settings: Settings,
    alike: bool,
) -> str:
    """One sentence with the figures that the verdict rests on."""
    if effect is None:
        return f"Cannot tell: {missing}."
    low, high = effect.interval(0.95)
    value = effect.coefficient.value
    adjusted = "" if p_adjusted is None else f", adjusted {p_value(p_adjusted)}"
    differ = (
        f"{hypothesis.statistic}: {settings.asked} less {settings.others} "
        f"{figure(value, sign=True)} {hypothesis.unit}".rstrip()
        + f" (95% interval {figure(low, sign=True)} to {figure(high, sign=True)}{adjusted})"
    )
    takes = "" if part is None else _takes(part)
    if control is not None and control["passed"] is False:
        why = (
            f"the probe failed its positive control (found {control['detected']} of "
            f"{control['of']}, false alarms {control['false_alarms']} of {control['false_of']})"
        )
        return f"Cannot tell: {why}; {differ}."
    if said == "supported":
        return f"Supported: {differ}; {takes}."
    if said == "not supported":
        return f"Not supported: {differ}; {_why_not(hypothesis, effect, alike)}."
    return f"Cannot tell: {differ}{'; ' + takes if takes else ''}."


def _takes(part: Explained) -> str:
    gain = part.gain.value
    share = part.share
    told = "" if share is None or not 0 <= share <= 1.5 else f", {share:.0%} of it"
    return (
        f"held equal, the difference in gain goes from {points(gain, sign=True)} to "
        f"{points(part.left.value, sign=True)} points, a change of {points(part.part, sign=True)}"
        f"{told} ({between(part.ci95)})"
    )


def _why_not(hypothesis: Hypothesis, effect: Effect, alike: bool) -> str:
    low, high = effect.interval(0.9)
    if alike:
        return "the groups gain alike, so that there is nothing to explain"
    if -hypothesis.margin <= low and high <= hypothesis.margin:
        return (
            f"a difference within ±{figure(hypothesis.margin)} does not matter, and the 90% "
            "interval lies inside"
        )
    return "the difference goes the other way than the one in gain"
