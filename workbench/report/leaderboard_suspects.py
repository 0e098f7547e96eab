"""Entries that rise on one benchmark only, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.leaderboard_profile import profile
from workbench.report.leaderboard_read import Node

#: Rows shown before the rest is folded away.
FIRST = 12
NAMES = {
    "ifeval": "IFEval", "bbh": "BBH", "math": "MATH", "gpqa": "GPQA", "musr": "MuSR",
    "mmlu_pro": "MMLU-PRO",
}  # fmt: skip
#: A name too long for its column over the profiles.
SHORT = {"MMLU-PRO": "PRO"}


@dataclass(frozen=True)
class Suspect:
    """A flagged entry: its figures, the benchmark's name, others it rises on, its profile."""

    node: Node
    benchmark: str
    also: str
    profile: Markup


class SuspectsView:
    """The flagged entries, and how many flags chance and other causes bring."""

    def __init__(self, suspects: Node) -> None:
        self.node = suspects
        flagged = list(suspects.flagged)
        reach = max(
            (abs(value.number or 0.0) for node in flagged for _, value in node.profile.pairs()),
            default=1.0,
        )
        # A few that collapse elsewhere must not flatten all others.
        self.reach = min(reach, 30.0)
        rows = [_suspect(node, self.reach) for node in flagged]
        self.first, self.rest = rows[:FIRST], rows[FIRST:]
        self.names = [SHORT.get(name, name) for name in NAMES.values()]
        self.counts = [(NAMES.get(name, name), one) for name, one in suspects.benchmarks.pairs()]


def _suspect(node: Node, reach: float) -> Suspect:
    name = NAMES.get(node.benchmark.words, node.benchmark.words)
    values = {label: node.profile[key].number for key, label in NAMES.items()}
    said = ", ".join(
        f"{label} {numbers.points(value, sign=True)}" for label, value in values.items()
    )
    drawn = profile(values, name, reach, f"Points above the siblings’ median: {said}")
    also = ", ".join(NAMES.get(one.words, one.words) for one in node.also)
    return Suspect(node, name, also, drawn)
