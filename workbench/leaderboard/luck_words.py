"""What a comparison of two published entries says, in sentences for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def words(found: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """The sentences that must stand beside the figures of ``compare_published``."""
    average = found["average"]
    return [
        _gain(found, average),
        *_supply(found, average, titles),
        _noise(found, average),
        _best(found, average, titles),
        *_conditions(found),
    ]


def _gain(found: Mapping[str, Any], average: Mapping[str, Any]) -> str:
    return (
        f"{found['entry']} stands at {average['entry']:.2f} and {found['parent']} at "
        f"{average['parent']:.2f} ({found['snapshot']}): {average['delta']:+.2f} points."
    )


def _supply(
    found: Mapping[str, Any], average: Mapping[str, Any], titles: Mapping[str, str]
) -> list[str]:
    """Who supplies most of a gain; nothing where there is none to share out."""
    delta = average["delta"]
    supplies = {name: row["supplies"] for name, row in found["benchmarks"].items()}
    first = max(supplies, key=lambda name: supplies[name] * delta)
    if supplies[first] * delta <= 0:
        return []
    row = found["benchmarks"][first]
    part = "most" if supplies[first] / delta > 0.5 else "the largest part"
    low, high = row["ci95"]["independent"]
    return [
        f"{titles[first]} supplies {part} of it: {supplies[first]:+.2f} of {delta:+.2f}, from "
        f"{row['delta']:+.2f} on {row['n']:,} items (95% interval {low:+.2f} to {high:+.2f} if the "
        "two answer independently)."
    ]


def _noise(found: Mapping[str, Any], average: Mapping[str, Any]) -> str:
    wide, narrow = average["ci95"]["independent"], average["ci95"]["differ"]
    lead = {
        "clear": "The difference is more than the noise of these items",
        "not clear": "The difference is not clearly more than noise",
        "depends": "Whether the difference is more than noise depends on how alike the two answer",
    }[found["verdict"]]
    return (
        f"{lead}: the 95% interval is {wide[0]:+.2f} to {wide[1]:+.2f} for independent answers and "
        f"{narrow[0]:+.2f} to {narrow[1]:+.2f} if exactly one of the two is right on "
        f"{found['differ']:.0%} of the items{_reach(found, average)}. Which share holds was not "
        "published."
    )


def _reach(found: Mapping[str, Any], average: Mapping[str, Any]) -> str:
    """From which share on the interval holds 0; nothing where it never does, or already does."""
    share = average["differ_to_reach_zero"]
    if found["verdict"] != "depends" or share <= found["differ"]:
        return ""
    return f"; it reaches 0 from {share:.0%} on"


def _best(found: Mapping[str, Any], average: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    drawn, exact = found["best_of"]["simulated"], found["best_of"]["exact"]
    low, high = drawn["range90"]
    share = exact["reached"]
    first = max(drawn["supplied"], key=drawn["supplied"].__getitem__)
    said = (
        f"The best of {drawn['n']:,} worthless variants of {found['parent']}, each differing on "
        f"{found['differ']:.0%} of the items, would show {drawn['expected']:+.2f} "
        f"({low:+.2f} to {high:+.2f} nine times in ten), {drawn['supplied'][first]:+.2f} of it "
        f"from {titles[first]}, whose noise is widest"
    )
    if average["delta"] <= 0:
        return f"{said}."
    chance = "under 1%" if share < 0.01 else "over 99%" if share > 0.99 else f"{share:.0%}"
    return f"{said}; the chance that one shows {average['delta']:+.2f} or more is {chance}."


def _conditions(found: Mapping[str, Any]) -> list[str]:
    unlike = [row for row in found["conditions"] if row["differs"]]
    if not unlike:
        return []
    listed = "; ".join(
        f"{row['what']} {_told(row['entry'])} against {_told(row['parent'])}" for row in unlike
    )
    return [
        f"The two were not measured alike ({listed}): part of the difference may be the "
        "conditions', not the model's."
    ]


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
