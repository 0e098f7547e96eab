"""A study's answer in two sentences, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.study.words import between, counted, listed, p_value, points

if TYPE_CHECKING:
    from workbench.study.design.settings import Settings

#: Explanations, or families, that a sentence names before it counts them.
NAMED = 4
#: How each verdict is put of each of the main senses, with the group asked about in front.
PHRASES = {
    "final": {
        "higher": "end higher than {others}",
        "lower": "end lower than {others}",
        "equivalent": "end as high as {others}",
        "cannot tell": "cannot be told from {others} by where they end",
    },
    "gain": {
        "higher": "gain more",
        "lower": "gain less",
        "equivalent": "gain as much",
        "cannot tell": "cannot be told from them by what they gain",
    },
    "gain_at_start": {
        "higher": "gain more from an equal start",
        "lower": "gain less from an equal start",
        "equivalent": "gain as much from an equal start",
        "cannot tell": "cannot be told from them by what they gain from an equal start",
    },
    "final_at_compute": {
        "higher": "end higher at equal compute",
        "lower": "end lower at equal compute",
        "equivalent": "end as high at equal compute",
        "cannot tell": "cannot be told from them by where they end at equal compute",
    },
}


def verdicts(estimands: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The verdict of each sense by its name."""
    return {one["name"]: one["verdict"] for one in estimands}


def answer(
    estimands: Sequence[Mapping[str, Any]],
    hypotheses: Sequence[Mapping[str, Any]],
    matrix: Mapping[str, Any] | None,
    settings: Settings,
) -> list[str]:
    """Who ends highest and who gains most; then why, as far as the data supports an explanation.

    A study whose bases have planted causes (``matrix``) answers for its probes in place of that.
    """
    if matrix is not None:
        return [matrix["words"][0], " ".join(matrix["words"][1:]) or "None of them misses."]
    found = {one["name"]: one for one in estimands}
    return [_who(found, settings), _why(found, hypotheses, settings)]


def _who(found: Mapping[str, Mapping[str, Any]], settings: Settings) -> str:
    main = [one for one in found.values() if one["main"]]
    known = [one for one in main if one["ci95"] is not None]
    if not known:
        reason = next((one["missing"] for one in main if one["missing"]), "")
        seen = [
            f"{one['title'].lower()} {points(one['value'], sign=True)}"
            for one in main
            if one["value"] is not None
        ]
        return (
            f"Whether {settings.asked} bases take this treatment better than {settings.others} "
            f"cannot be told{': ' + reason if reason else ''}"
            + (f" (differences of means, in points: {listed(seen)})." if seen else ".")
        )
    parts = []
    for one in known:
        phrase = PHRASES[one["name"]][one["verdict"]].format(others=settings.others)
        figures = f"{points(one['value'], sign=True)} points, {between(one['ci95'])}"
        parts.append(f"{phrase} ({figures})")
    return f"{settings.asked} bases {listed(parts)}."


def _why(
    found: Mapping[str, Mapping[str, Any]],
    hypotheses: Sequence[Mapping[str, Any]],
    settings: Settings,
) -> str:
    asked = [one for one in hypotheses if one["registered"]] or list(hypotheses)
    if not asked:
        return (
            "No explanation was tested: figures alone, without the bases, hold none."
            if settings.table
            else "No explanation was tested: the study names no hypothesis."
        )
    by = {
        verdict: [_inside(one["title"]) for one in asked if one["verdict"] == verdict]
        for verdict in ("supported", "not supported", "cannot tell")
    }
    kind = "registered explanation" if asked[0]["registered"] else "explanation explored"
    total = counted(len(asked), kind, kind.replace("explanation", "explanations"))
    supported = by["supported"]
    parts = [f"the data supports {_few(supported) if supported else 'none'}"]
    if by["not supported"]:
        parts.append(f"speaks against {_few(by['not supported'])}")
    sentence = f"Of {total}, {listed(parts)}"
    if by["cannot tell"]:
        every = len(by["cannot tell"]) == len(asked) > 1
        sentence += f"; nothing can be told of {'any' if every else _few(by['cannot tell'])}"
    return sentence + "."


def _inside(title: str) -> str:
    """A title within a sentence; one that begins with an abbreviation stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _few(titles: Sequence[str]) -> str:
    if len(titles) <= NAMED:
        return listed(titles)
    return f"{len(titles)} of them"


def would_change(
    estimands: Sequence[Mapping[str, Any]],
    hypotheses: Sequence[Mapping[str, Any]],
    power: Mapping[str, Any] | None,
    settings: Settings,
) -> list[str]:
    """What would turn the answer: a family left out, another margin, more families."""
    sentences: list[str] = []
    steady: list[str] = []
    for one in estimands:
        if not one["main"] or one["ci95"] is None:
            continue
        turned = list(_families(one))
        steady += [] if turned or not one["left_out"] else [_inside(one["title"])]
        sentences += turned
        sentences += _permutation(one, settings)
        sentences += _margin(one)
    if steady:
        sentences.append(f"No single family moves the interval of {listed(steady)} across zero.")
    sentences += _explanations(hypotheses, settings)
    if power is not None:
        sentences += _power(power, estimands, settings)
    return sentences


def _lies(low: float, high: float) -> str:
    return "above zero" if low > 0 else "below zero" if high < 0 else "around zero"


def _families(one: Mapping[str, Any]) -> Iterator[str]:
    """Families without which the interval would lie on another side of zero."""
    now = _lies(*one["ci95"])
    turned: dict[str, list[str]] = {}
    for left in one["left_out"]:
        if left["ci95"] is not None and (then := _lies(*left["ci95"])) != now:
            turned.setdefault(then, []).append(left["family"])
    for then, families in turned.items():
        without = families[:NAMED]
        if more := families[NAMED:]:
            without = [*without, f"{len(more)} more"]
        each = "" if len(families) == 1 else "any one of "
        yield (
            f"{one['title']}: the interval lies {now} with all families, {then} without "
            f"{each}{listed(without)}."
        )


def _permutation(one: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    p = one["p_permutation"]
    if p is None or one["ci95"] is None or one["verdict"] != "cannot tell":
        return
    if _lies(*one["ci95"]) != "around zero" and p > settings.alpha:
        yield (
            f"{one['title']}: the interval excludes zero, but families dealt into groups by chance "
            f"differ as much too often ({p_value(p)}), so nothing is concluded."
        )


def _margin(one: Mapping[str, Any]) -> Iterator[str]:
    """The margin at which the answer would become, or cease to be, equivalence."""
    if one["margin"] is None or one["ci90"] is None or one["unit"] != "score":
        return
    needed = max(abs(end) for end in one["ci90"])
    if one["verdict"] == "equivalent":
        yield (
            f"{one['title']}: equivalent within {points(one['margin'])} points; with a margin "
            f"under {points(needed)} it could not be told."
        )
    elif one["verdict"] == "cannot tell" and needed < 1:
        yield (
            f"{one['title']}: only a margin over {points(needed)} points would make it no "
            f"difference (it is {points(one['margin'])})."
        )


def _explanations(hypotheses: Sequence[Mapping[str, Any]], settings: Settings) -> Iterator[str]:
    """Where so few families allow no explanation to be supported, whatever they show."""
    registered = [one for one in hypotheses if one["registered"] and one["effect"] is not None]
    if not registered:
        return
    least = min(one["effect"]["least_p"] for one in registered)
    asked = sum(one["registered"] for one in hypotheses)
    if least * asked > settings.alpha:
        yield (
            f"No explanation could have been supported: of {counted(asked, 'explanation')} on so "
            f"few families the smallest adjusted p there can be is {min(1.0, least * asked):.2f}. "
            "More families, or fewer registered explanations, would change that."
        )


def _power(
    power: Mapping[str, Any], estimands: Sequence[Mapping[str, Any]], settings: Settings
) -> Iterator[str]:
    if power["smallest"] is not None:
        sizes = [f"{families} ({group})" for group, families in power["families"].items()]
        yield (
            f"With {listed(sizes)} families, a difference in gain under "
            f"{points(power['smallest'])} points is missed more often than "
            f"{1 - settings.power:.0%} of the time."
        )
    if any(one["main"] and one["verdict"] == "cannot tell" for one in estimands):
        for more in power["more"]:
            yield f"{more[:1].upper()}{more[1:]}.".replace("): ", ") ")
