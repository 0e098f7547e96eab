"""How the three answers change with the rows, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.report import numbers
from workbench.report.leaderboard_answers import TITLES
from workbench.report.leaderboard_lines import Drawn, Lines, table
from workbench.report.leaderboard_read import Node


@dataclass(frozen=True)
class LeftOut:
    """The extremes of an answer when one group after the other is left out."""

    title: str
    kind: str
    node: Node


class RobustnessView:
    """A line a change, and the groups without which an answer moves most."""

    def __init__(self, root: Node) -> None:
        self.nodes = list(root.robustness)
        changed = sum(bool(node.changed) for node in self.nodes)
        self.moved = (
            f"{changed} of these changes {'moves' if changed == 1 else 'move'} an answer."
            if changed
            else "None of these changes moves an answer."
        )
        self.said = [line.words for line in root.robustness_said]
        self.left_out = [
            LeftOut(TITLES.get(outcome, outcome), kind, node)
            for kind, outcomes in root.left_out.pairs()
            for outcome, node in outcomes.pairs()
        ]

    @property
    def lines(self) -> Lines | None:
        """All three answers on one scale; a filled mark where a verdict is reached."""
        if not self.nodes:
            return None
        rows = [(node.name.words, None, _note(node), _drawn(node)) for node in self.nodes]
        return table(rows, list(TITLES), grouped=False, together=True, signed=lambda _: True)


def _drawn(node: Node) -> dict[str, Drawn]:
    found = {}
    for outcome in TITLES:
        answer = node.answers[outcome]
        reached = answer.verdict.words in ("supported", "contradicted")
        found[outcome] = Drawn(answer, answer.value, style="sure" if reached else "unsure")
    return found


def _note(node: Node) -> str:
    parts = [node.why.words]
    removed = node.removed.number or 0.0
    if removed:
        parts.append(f"{numbers.count(abs(removed))} rows {'fewer' if removed > 0 else 'more'}")
    changed = [TITLES.get(outcome.words, outcome.words) for outcome in node.changed]
    if changed:
        parts.append(f"changes the answer on {' and '.join(changed)}")
    return "; ".join(part for part in parts if part)
