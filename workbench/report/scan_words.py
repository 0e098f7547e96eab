"""What a scan's numbers say, in sentences: shrinkage, the winner's curse, discoveries, cost."""

from __future__ import annotations

from typing import Any

from workbench.report import numbers
from workbench.report.scan_read import interval, number, whole
from workbench.report.scan_results import Scan

SDS = "SD"


def verdict(scan: Scan) -> tuple[str, str, bool]:
    """The lead sentence, its reason, and whether a path was confirmed to beat the base."""
    part = scan.part("verdict")
    found = isinstance(part.get("best"), str) and bool(part["best"])
    sentence = str(part.get("sentence") or "")
    if not sentence:
        sentence = (
            f"{part['best']} beats the base on held-out items." if found
            else "No path beats the base on held-out items."
        )  # fmt: skip
    return sentence, str(part.get("reason") or ""), found


def findings(scan: Scan) -> list[tuple[str, str]]:
    """What was found beyond the verdict: a term and a sentence each, only those that are known."""
    drawn = [
        ("Shrinkage", _shrinkage(scan.part("shrinkage"))),
        ("Winner's curse", _curse(scan.part("curse"))),
        ("Discoveries", _discoveries(scan.part("discoveries"))),
        ("Agreement", _agreement(scan.part("agreement"))),
        ("Cost", _cost(scan.part("cost"))),
    ]
    return [(term, words) for term, words in drawn if words]


def _shrinkage(part: dict[str, Any]) -> str:
    best = _shrunk(part)
    if not best:
        return ""
    path = part.get("path")
    words = f"{path}: {best}." if isinstance(path, str) else f"The best path of the search: {best}."
    winners = part.get("winners")
    chosen = _shrunk(winners) if isinstance(winners, dict) else ""
    count = whole(winners.get("count")) if isinstance(winners, dict) else None
    if chosen and count is not None and count > 1:
        words += f" The {count} chosen paths on average: {chosen}."
    return words


def _shrunk(part: dict[str, Any]) -> str:
    search, held_out = number(part.get("search")), number(part.get("held_out"))
    if search is None or held_out is None:
        return ""
    words = (
        f"{numbers.signed(search)} {SDS} on the search items, {numbers.signed(held_out)} {SDS} on "
        "held-out items"
    )
    lost = number(part.get("difference"))
    if lost is not None:
        words += f"; lost: {numbers.signed(lost)} {SDS}{_range(part.get('ci95'))}"
    ratio = number(part.get("ratio"))
    if ratio is not None:
        words += f"; {100 * ratio:.0f}% is left".replace("-", numbers.MINUS)
    return words


def _curse(part: dict[str, Any]) -> str:
    expected = number(part.get("expected"))
    if expected is None:
        return ""
    words = (
        f"Choosing the best of many noisy paths alone is expected to flatter it by "
        f"{numbers.signed(expected)} {SDS}{_range(part.get('ci95'))}"
    )
    return f"{words}. {_sentence(part.get('method'))}".rstrip()


def _discoveries(part: dict[str, Any]) -> str:
    count, of, level = whole(part.get("count")), whole(part.get("of")), number(part.get("q"))
    if count is None or of is None:
        return ""
    words = f"{numbers.count(count)} of {numbers.count(of)} paths stand out on the search items"
    if level is not None:
        words += f" at a false-discovery rate of {level:g}"
    best = part.get("best")
    family_wise = number(best.get("family_wise_p")) if isinstance(best, dict) else None
    if family_wise is not None:
        words += f"; family-wise p of the best: {numbers.p_value(family_wise)}"
    return f"{words}. {_sentence(part.get('method'))}".rstrip()


def _agreement(part: dict[str, Any]) -> str:
    metrics = part.get("metrics")
    found = {
        str(metric): f"{numbers.signed(spearman)}{_range(values.get('ci95'))}"
        for metric, values in (metrics.items() if isinstance(metrics, dict) else ())
        if isinstance(values, dict) and (spearman := number(values.get("spearman"))) is not None
    }
    if not found and (spearman := number(part.get("spearman"))) is not None:
        found = {"score": f"{numbers.signed(spearman)}{_range(part.get('ci95'))}"}
    if not found:
        return ""
    count = whole(part.get("n"))
    paths = f" of {numbers.count(count)} paths" if count is not None else ""
    names = f", {part['a']} against {part['b']}" if part.get("a") and part.get("b") else ""
    listed = ", ".join(f"by {metric} {words}" for metric, words in found.items())
    return f"Spearman's rank correlation{paths}{names}: {listed}."


def _cost(part: dict[str, Any]) -> str:
    passes, naive = number(part.get("layer_passes")), number(part.get("naive_layer_passes"))
    words = []
    if passes is not None:
        counted = f"{numbers.count(passes)} layer passes were counted"
        if naive:
            counted += f", against {numbers.count(naive)} path by path"
            if passes:
                counted += f": {naive / passes:.2f} times fewer"
        words.append(counted)
    for key, unit in (
        ("sweeps", "sweeps over the layers"),
        ("tokens_per_second", "tokens a second through a layer"),
    ):
        value = number(part.get(key))
        if value is not None:
            words.append(f"{numbers.count(value)} {unit}")
    seconds = number(part.get("seconds"))
    if seconds is not None:
        words.append(f"{numbers.seconds(seconds)} in all")
    if words and part.get("resumed"):
        words[-1] += ", what was measured before an interruption not counted"
    return "; ".join(words) + "." if words else ""


def _range(ci95: object) -> str:
    low, high = interval(ci95)
    if low is None or high is None:
        return ""
    return f" (95% interval {numbers.interval((low, high), sign=True)})"


def _sentence(text: object) -> str:
    words = str(text or "").strip()
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
