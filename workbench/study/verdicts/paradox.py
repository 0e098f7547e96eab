"""Lord's paradox, told with the study's own figures.

Two groups that start apart can be compared by where they end, by what they gain, or by either among
bases that started alike; the answers may contradict each other, each of them true (Lord 1967,
Psychol. Bull. 68, 304-305). It is said to be there only where the study's own answers do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from workbench.study.words import listed, moreless, points

if TYPE_CHECKING:
    import pandas as pd

#: The senses that are set against each other, and how an answer of each is put.
SENSES = {
    "final": "by final score",
    "gain": "by gain",
    "final_at_compute": "by final score at equal compute",
    "gain_at_compute": "by gain at equal compute",
    "gain_at_start": "by gain from an equal start",
}
#: Verdicts that name a side.
SHOWN = ("higher", "lower")


def paradox(
    frame: pd.DataFrame, estimands: Sequence[Mapping[str, Any]], *, asked: str, others: str
) -> dict[str, Any]:
    """``{"shown", "words", "sides"}`` as ``results["study"]["paradox"]`` holds it.

    ``sides`` are means of families (of their bases, of their tasks and seeds), so that a family of
    ten bases counts as one. ``shown`` where two answers contradict each other
    (:func:`contradictions`).
    """
    means = sides(frame)
    found = {one["name"]: one for one in estimands}
    against = contradictions(found)
    words = []
    if {asked, others} <= set(means):
        words += _story(means[asked], means[others], asked, others)
        words += _start_tells(frame)
    words += _turns(found, against, asked, others)
    return {"shown": bool(against), "words": words, "sides": means}


def sides(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean ``before``, ``after`` and ``gain`` of each group, families counted alike."""
    whole = frame.assign(gain=frame["after"] - frame["before"])
    columns = ["before", "after", "gain"]
    means = whole
    for level in (["group", "family", "base", "task"], ["group", "family", "base"],
                  ["group", "family"], ["group"]):  # fmt: skip
        means = means.groupby(level, as_index=False)[columns].mean()
    return {
        str(row["group"]): {column: float(row[column]) for column in columns}
        for row in means.to_dict("records")
    }


def contradictions(found: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of senses that contradict each other, the one that is shown before the other.

    One higher and one lower first; then one of these and one equivalent; then one of these and a
    figure on the other side of zero that by itself is not told from it.
    """
    told = {name: found[name] for name in SENSES if name in found and found[name]["value"]}
    ways: tuple[list[tuple[str, str]], ...] = ([], [], [])
    for one, other in combinations(told, 2):
        if told[one]["verdict"] not in SHOWN:
            one, other = other, one
        first, second = told[one]["verdict"], told[other]["verdict"]
        if first not in SHOWN:
            continue
        if second in SHOWN:
            if first != second:
                ways[0].append((one, other))
        elif second == "equivalent":
            ways[1].append((one, other))
        elif told[one]["value"] * told[other]["value"] < 0:
            ways[2].append((one, other))
    return [pair for way in ways for pair in way]


def _story(
    mine: Mapping[str, float], theirs: Mapping[str, float], asked: str, others: str
) -> list[str]:
    start, end, gain = (mine[key] - theirs[key] for key in ("before", "after", "gain"))
    return [
        f"{asked} start at {points(mine['before'])} points, gain {points(mine['gain'], sign=True)} "
        f"and end at {points(mine['after'])}; {others} start at {points(theirs['before'])}, gain "
        f"{points(theirs['gain'], sign=True)} and end at {points(theirs['after'])} (means of "
        "families).",
        f"So {asked} start {moreless(start, 'higher', 'lower')}, gain "
        f"{moreless(gain, 'more', 'less')} and end {moreless(end, 'higher', 'lower')}.",
    ]


def _start_tells(frame: pd.DataFrame) -> list[str]:
    """How much of a gain the start foretells, over all bases and within groups and tasks."""
    from workbench.compare.least_squares import fit

    keys = ["base", "task"]
    rows = frame.groupby(keys, as_index=False).agg(
        before=("before", "mean"), after=("after", "mean"), asked=("asked", "first")
    )
    centred = rows[["before", "after"]] - rows.groupby(["task", "asked"])[
        ["before", "after"]
    ].transform("mean")
    gain = centred["after"] - centred["before"]
    try:
        slope = fit(gain.tolist(), {"before": centred["before"].tolist()})["before"].value
    except ValueError:
        return []
    return [
        "Within a group and task, a base that starts 10 points higher gains "
        f"{points(abs(slope) / 10)} points {'more' if slope >= 0 else 'less'}: part of a gain is "
        "where a base starts, and part of any such figure is the noise of the start itself."
    ]


def _turns(
    found: Mapping[str, Mapping[str, Any]],
    against: Sequence[tuple[str, str]],
    asked: str,
    others: str,
) -> list[str]:
    told = [name for name in SENSES if name in found and found[name]["value"] is not None]
    said = [f"{SENSES[name]} {_answer(found[name])}" for name in told]
    words = []
    if said:
        words.append(f"{asked} against {others}: {listed(said)}.")
    if not against:
        words.append(
            "No two of these answers contradict each other."
            if told
            else "Nothing can be told of either group against the other."
        )
        return words
    one, other = against[0]
    verdict = found[other]["verdict"]
    if verdict == "cannot tell":
        verdict = f"on the other side of zero ({points(found[other]['value'], sign=True)})"
    words.append(
        f"This is Lord's paradox: {SENSES[one]} the answer is {found[one]['verdict']}, "
        f"{SENSES[other]} it is {verdict}, on the same rows. Neither is wrong. Which one to ask "
        "for depends on the use: the final score says what one ends up with, the gain what the "
        "treatment added, and an equal start or equal compute what it adds to bases that are "
        "otherwise alike."
    )
    return words


def _answer(one: Mapping[str, Any]) -> str:
    return f"{one['verdict']} ({points(one['value'], sign=True)})"
