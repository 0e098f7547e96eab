"""The country coefficient before and after each control, prepared for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, change_scale
from workbench.report.figures.leaderboard_rows import row
from workbench.report.leaderboard_lines import OUTCOMES
from workbench.report.leaderboard_read import Node

#: What a control is, in a reader's words.
WORDS = {
    "log size": "size of the base (log)",
    "release date": "release date of the base",
    "method": "method (merge, chat, fine-tune)",
    "chat template": "chat template",
    "base score": "the base’s own score",
}


@dataclass(frozen=True)
class Step:
    """One model of the sequence."""

    label: str
    node: Node
    strip: Markup


@dataclass(frozen=True)
class Outcome:
    """The sequence of one outcome, and the model its answer is read from."""

    title: str
    unit: str
    steps: list[Step]
    last: Node


class ControlsView:
    """All outcomes on one scale."""

    def __init__(self, mixed: Node) -> None:
        self.scale = _scale([node for _, steps in mixed.pairs() for node in steps])
        self.outcomes = [
            Outcome(
                OUTCOMES.get(name, name),
                _unit(name),
                _steps(list(steps), self.scale),
                _full(list(steps)),
            )
            for name, steps in mixed.pairs()
            if list(steps)
        ]


def label(node: Node, before: Node | None) -> str:
    """What a step adds to the one before it."""
    controls = [control.words for control in node.controls]
    if not node.random:
        return "nothing: difference of means"
    if not controls:
        return "+ base, submitter, family"
    known = [control.words for control in before.controls] if before is not None else []
    added = [control for control in controls if control not in known]
    return "+ " + ", ".join(WORDS.get(control, control) for control in added or controls)


def _scale(nodes: Sequence[Node]) -> Scale:
    """Around zero; an interval that reaches far out is cut rather than allowed to hide the rest."""
    values = [value for node in nodes if (value := node.value.number) is not None]
    ends = sorted(abs(end) for node in nodes for end in node.ci95.ends if end is not None)
    usual = ends[int(0.9 * (len(ends) - 1))] if ends else 0.0
    return change_scale([*values, usual])


def _full(nodes: list[Node]) -> Node:
    """The model that the answer is read from: all controls, but not the base's own score."""
    own = [node for node in nodes if "base score" not in [one.words for one in node.controls]]
    return (own or nodes)[-1]


def _unit(name: str) -> str:
    return "percentage points of headroom" if name == "headroom" else "points"


def _steps(nodes: list[Node], scale: Scale) -> list[Step]:
    values = [node.value.number for node in nodes]
    steps = []
    for index, node in enumerate(nodes):
        before = nodes[index - 1] if index else None
        above = values[index - 1] if index else None
        below = values[index + 1] if index + 1 < len(nodes) else None
        low, high = node.ci95.ends
        excludes = low is not None and high is not None and (low > 0 or high < 0)
        said = label(node, before)
        ends = " to ".join(numbers.points(end, sign=True) for end in (low, high))
        words = (
            f"Controlled for {said}: Chinese minus other "
            f"{numbers.points(node.value.raw, sign=True)}, 95% interval {ends}"
        )
        strip = row(
            values[index], node.ci95.ends, scale, words,
            style="sure" if excludes else "unsure", joined=(above, below),
        )  # fmt: skip
        steps.append(Step(said, node, strip))
    return steps
