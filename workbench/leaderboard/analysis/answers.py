"""The three plain answers: does the table support "Chinese bases fine-tune best"?

On final score, on gain over the raw base and on gain over the maker's own instruct model. They can
differ on the same rows: a base that starts higher ends higher with a smaller gain (Lord's paradox),
and an instruct model that its maker trained well leaves the community less to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from workbench.leaderboard.analysis.outcomes import OUTCOMES, QUESTION

Verdict = Literal["supported", "contradicted", "not shown"]
ALPHA = 0.05
CONTROL_WORDS = {
    "log size": "size",
    "release date": "release date",
    "method": "method",
    "chat template": "chat template",
}

RULE = (
    "Of the community's entries, the country coefficient of the mixed model with all controls "
    "(log size and release date of the base, method, chat template; base, submitter and family "
    "random). Supported: its 95% interval lies above zero, and the permutation of countries over "
    f"families gives p < {ALPHA}. Contradicted: the interval lies below zero, with the same p. "
    "Otherwise not shown, which is not the same as shown to be absent. The three answers are not "
    "corrected for being three."
)


def answers(
    mixed: Mapping[str, Sequence[Mapping[str, Any]]], why: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """An answer an outcome from the sequences of :mod:`mixed`, by ``RULE``.

    ``why`` says of outcomes without a sequence what stood in the way.
    """
    reasons = why or {}
    return {name: _answer(name, mixed.get(name) or (), reasons.get(name, "")) for name in QUESTION}


def headline(steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The step the answer is read from: all controls, but not the base's own score."""
    return [step for step in steps if "base score" not in step["controls"]][-1]


def verdict(value: Mapping[str, Any]) -> Verdict:
    """By the rule above. Without a permutation the interval decides alone."""
    low, high = value["ci95"]
    permuted = value.get("permutation")
    beyond_deal = permuted is None or permuted["p"] < ALPHA
    if low > 0 and beyond_deal:
        return "supported"
    if high < 0 and beyond_deal:
        return "contradicted"
    return "not shown"


def smallest_found(value: Mapping[str, Any]) -> float:
    """The smallest true difference for which four such intervals in five would exclude zero.

    In units of the outcome: (t of 97.5% + t of 80%) standard errors.
    """
    from scipy.stats import t

    df = float(value["df"])
    return float((t.ppf(0.975, df) + t.ppf(0.8, df)) * value["se"])


def _answer(name: str, steps: Sequence[Mapping[str, Any]], why: str) -> dict[str, Any]:
    title = OUTCOMES[name].title
    if not steps:
        return {
            "verdict": "not shown",
            "sentence": f"The table holds too little to compare bases by {title}"
            + (f": {why}." if why else "."),
            "value": None, "ci95": None, "n": 0, "bases": 0, "families": 0,
            "method": "none: the rows do not bear the model",
        }  # fmt: skip
    last = headline(steps)
    raw = steps[0]
    said = verdict(last)
    found = smallest_found(last)
    return {
        "verdict": said,
        "sentence": _sentence(name, said, last, raw, found),
        "value": last["value"],
        "ci95": list(last["ci95"]),
        "p": last["p"],
        "p_permutation": (last["permutation"] or {}).get("p"),
        "before_controls": {k: raw[k] for k in ("value", "ci95", "n", "method")},
        "smallest_found": found,
        **{
            k: last[k]
            for k in ("n", "bases", "submitters", "families",
                      "n_chinese", "bases_chinese", "families_chinese", "method")
        },
    }  # fmt: skip


def _sentence(
    name: str, said: Verdict, last: Mapping[str, Any], raw: Mapping[str, Any], found: float
) -> str:
    value, (low, high) = last["value"], last["ci95"]
    what = {
        "final": "end {} points {} entries",
        "gain_base": "gain {} points {} over their raw base than entries",
        "gain_instruct": "gain {} points {} over the maker's own instruct model than entries",
    }[name]
    words = ("higher than", "lower than") if name == "final" else ("more", "less")
    moved = what.format(f"{abs(value):.1f}", words[0] if value >= 0 else words[1])
    same = [CONTROL_WORDS[control] for control in last["controls"]]
    alike = f"on others of the same {', '.join(same[:-1])} and {same[-1]}"
    basis = (
        f"(95% interval {low:+.1f} to {high:+.1f}; {last['n']} entries, {last['bases']} bases of "
        f"{last['families']} families, {last['families_chinese']} of them Chinese)"
    )
    end = {
        "supported": ", more than families dealt out by chance would show.",
        "contradicted": ", the other way round, and more than chance would show.",
        "not shown": (
            f": not clearly more than families differ anyway; a difference under about {found:.0f} "
            "points would be missed more often than one time in five."
        ),
    }[said]
    return (
        f"Entries on Chinese bases {moved} {alike} {basis}{end} "
        f"The plain difference of means is {raw['value']:+.1f}."
    )
