"""How the three answers change when rows are left out, placed otherwise, or modelled otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.leaderboard.analysis import mixed
from workbench.leaderboard.analysis.answers import verdict
from workbench.leaderboard.analysis.changes import changes
from workbench.leaderboard.analysis.outcomes import OUTCOMES, QUESTION, of_outcome

if TYPE_CHECKING:
    import pandas as pd

#: Families of one maker may be alike, too; then makers bear the country, and they are fewer.
BY_MAKER = ("base", "submitter", "maker")


@dataclass(frozen=True)
class _Model:
    """What the rows are fitted with."""

    controls: tuple[str, ...] = mixed.CONTROLS
    random: tuple[str, ...] = mixed.RANDOM


def robustness(
    rows: pd.DataFrame,
    *,
    suspects: Set[str],
    seed: int,
    wider: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """A line a change: the three answers on the rows that it leaves; first the answers themselves.

    ``rows`` are the community's; ``wider`` names further sets of rows (placed by other means).
    """
    found: list[dict[str, Any]] = []
    for name, why, left, model in _scenarios(rows, suspects, wider or {}):
        answers = {outcome: _answer(left, outcome, seed, model) for outcome in QUESTION}
        first = found[0]["answers"] if found else answers
        found.append(
            {
                "name": name,
                "why": why,
                "removed": max(0, len(rows) - len(left)),
                "added": max(0, len(left) - len(rows)),
                "n": len(left),
                "answers": answers,
                "changed": [
                    outcome
                    for outcome in QUESTION
                    if answers[outcome]["verdict"] != first[outcome]["verdict"]
                ],
            }
        )
    return found


def _scenarios(
    rows: pd.DataFrame, suspects: Set[str], wider: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, str, pd.DataFrame, _Model]]:
    yield "as answered", "", rows, _Model()
    why = "the same rows: the maker is the random effect that bears the country"
    yield "makers in place of families", why, rows, _Model(random=BY_MAKER)
    bent = _Model(controls=(*mixed.CONTROLS, mixed.BENT_SIZE))
    yield "size bent", "the same rows: the square of log size is a further control", rows, bent
    for name, why, change in changes(rows, suspects):
        yield name, why, change(rows), _Model()
    for name, other in wider.items():
        yield name, "", other, _Model()


def by_left_out(rows: pd.DataFrame, column: str) -> dict[str, Any]:
    """Each answer's value without one family (or lab) after the other: the extremes, named."""
    found: dict[str, Any] = {}
    for outcome in QUESTION:
        usable = mixed.complete(of_outcome(rows, outcome))
        values: list[dict[str, Any]] = []
        for name in sorted(usable[column].unique()):
            try:
                effect = mixed.country(usable[usable[column] != name], mixed.CONTROLS).country
            except ValueError:
                continue
            values.append({"without": str(name), "value": effect.value, "ci95": list(effect.ci95)})
        if values:
            values.sort(key=lambda one: one["value"])
            found[outcome] = {"lowest": values[0], "highest": values[-1], "times": len(values)}
    return found


def said(scenarios: Sequence[Mapping[str, Any]], left_out: Mapping[str, Any]) -> list[str]:
    """What the changes come to, in sentences."""
    found = []
    for outcome in QUESTION:
        base = scenarios[0]["answers"][outcome]
        if base["value"] is None:
            continue
        answers = [(one["name"], one["answers"][outcome]) for one in scenarios]
        values = [
            (answer["value"], name) for name, answer in answers if answer["value"] is not None
        ]
        turned = [
            f"{answer['verdict']} {name}"
            for name, answer in answers
            if answer["verdict"] not in (None, base["verdict"])
        ]
        (low, lowest), (high, highest) = min(values), max(values)
        found.append(
            f"On {OUTCOMES[outcome].title} the difference of {base['value']:+.1f} goes from "
            f"{low:+.1f} ({lowest}) to {high:+.1f} ({highest}) over {len(values) - 1} changes of "
            f"the rows or the model; the verdict "
            + (f"becomes {'; '.join(turned)}." if turned else "never changes.")
        )
        ends = left_out.get("lab", {}).get(outcome)
        if ends and ends["lowest"]["value"] < 0 < ends["highest"]["value"]:
            found.append(
                f"Even its sign hangs on single makers: {ends['lowest']['value']:+.1f} without "
                f"{ends['lowest']['without']}, {ends['highest']['value']:+.1f} without "
                f"{ends['highest']['without']}."
            )
    return found


def _answer(rows: pd.DataFrame, outcome: str, seed: int, model: _Model) -> dict[str, Any]:
    usable = mixed.complete(of_outcome(rows, outcome))
    try:
        fitted = mixed.country(usable, model.controls, seed=seed, random=model.random)
    except ValueError as error:
        return {"value": None, "ci95": None, "n": len(usable), "verdict": None, "why": str(error)}
    told = fitted.json()
    kept = ("value", "ci95", "p", "permutation", "df", "singular")
    return {
        **{key: told[key] for key in kept},
        **mixed.counts(usable),
        "verdict": verdict(told),
    }
