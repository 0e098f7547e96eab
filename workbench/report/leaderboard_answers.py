"""The three answers, prepared for the first lines of the page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, change_scale
from workbench.report.figures.leaderboard_rows import axis, row
from workbench.report.leaderboard_read import Node

TITLES = {
    "final": "final score",
    "gain_base": "gain over base",
    "gain_instruct": "gain over instruct",
}
#: The verdict's word on the page, and its style.
WORDS = {
    "supported": ("Supported", "supported"),
    "contradicted": ("Contradicted", "contradicted"),
    "not shown": ("Not shown", "not-shown"),
}
PARADOX = (
    "The three are different questions and can have different answers on the same models: a base "
    "that starts higher can end higher and yet gain less (Lord’s paradox), and where a maker’s own "
    "instruct model is strong, little is left to gain over it. “Not shown” does not mean shown to "
    "be equal."
)


@dataclass(frozen=True)
class Answer:
    """One answer: its title, the verdict's word and style, its figures and their strip."""

    title: str
    word: str
    style: str
    node: Node
    strip: Markup
    sentence: str


def answers(node: Node) -> tuple[list[Answer], Markup]:
    """The answers in the order of the question, all on one scale, and its axis."""
    found = [(title, node[key]) for key, title in TITLES.items() if node[key]]
    scale = change_scale(value for _, one in found for value in (one.value.number, *one.ci95.ends))
    return [_answer(title, one, scale) for title, one in found], axis(scale)


def _answer(title: str, node: Node, scale: Scale) -> Answer:
    word, style = WORDS.get(node.verdict.words, (node.verdict.words.capitalize(), "not-shown"))
    low, high = (numbers.points(end, sign=True) for end in node.ci95.ends)
    said = (
        f"{title}, Chinese bases minus others: {numbers.points(node.value.raw, sign=True)} points, "
        f"95% interval {low} to {high}"
    )
    mark = "sure" if style != "not-shown" else "unsure"
    strip = row(node.value.number, node.ci95.ends, scale, said, style=mark)
    return Answer(title, word, style, node, strip, node.sentence.words)
