"""A run's study on the terminal: the answers, the hypotheses, what failed, in place of its outputs.

A study makes dozens of outputs; their scores are on the page and in results.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.report import numbers
from workbench.report.leaderboard_read import Node
from workbench.report.study_estimands import Estimand
from workbench.report.study_hypotheses import Hypothesis
from workbench.report.study_view import StudyView

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "supported": "bold green",
    "contradicted": "bold red",
    "equivalent": "bold",
    "not-shown": "",
}


def study_table(results: Mapping[str, Any]) -> Table:
    """``results["study"]`` as tables below each other; fits 80 columns."""
    from rich.table import Table

    view = StudyView(results)
    whole = Table.grid()
    whole.add_row(_text(view.title, "bold"))
    for sentence in view.answer:
        whole.add_row(_text(sentence))
    for change in view.root.registration.changed:
        lines = "; ".join(view.sentences(change.differences)) or "what is not known"
        seen = numbers.count(change.results_seen.raw)
        whole.add_row(_text(f"changed after {seen} results were seen: {lines}", "bold red"))
    whole.add_row("")
    if view.estimands.every:
        whole.add_row(_estimands(view))
        whole.add_row("")
    for title, remark, hypotheses in view.hypotheses.kinds:
        whole.add_row(_text(f"{title} ({remark})", "bold"))
        whole.add_row(_hypotheses(hypotheses))
        whole.add_row("")
    for words in _remarks(view):
        whole.add_row(_text(words, "dim"))
    return whole


def _remarks(view: StudyView) -> list[str]:
    """The planted matrix in a sentence, what the design could see, what is missing."""
    root = view.root
    words = view.sentences(root.planted["words"]) + view.sentences(root.power["words"])
    words += [
        f"collapsed: {node.base.words} on {node.task.words}: {node.why.words}"
        for node in root.collapsed
    ]
    words += [
        f"hole: {node.base.words}, {node.output.words}: {node.fact.words}" for node in root.holes
    ]
    return words


def _estimands(view: StudyView) -> Table:
    table = _grid(f"{view.sides.asked} minus {view.sides.others}")
    for head in ("difference", "95% CI", "p", "permuted"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in view.estimands.every:
        node, style = one.node, STYLES.get(one.style, "")
        table.add_row(
            _text(one.title, "bold" if one in view.estimands.cards else ""),
            _text(_figure(node.value, one)),
            _text(_ends(node.ci95, one)),
            _text(numbers.p_value(node.p.raw)),
            _text(numbers.p_value(node.p_permutation.raw)),
            _text(one.word.lower(), style),
        )
    return table


def _hypotheses(hypotheses: list[Hypothesis]) -> Table:
    table = _grid("hypothesis")
    for head in ("effect", "95% CI", "adj. p"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("control", overflow="fold")
    for one in hypotheses:
        effect, control = one.node.effect, one.node.control
        found = ""
        if control.of.number is not None:
            found = f" {numbers.count(control.detected.raw)}/{numbers.count(control.of.raw)}"
        table.add_row(
            _text(one.title),
            _text(_figure(effect.value, one)),
            _text(_ends(effect.ci95, one)),
            _text(numbers.p_value(effect.p_adjusted.raw)),
            _text(f"{one.mark} {one.node.verdict.words or 'cannot tell'}", STYLES[one.style]),
            _text(one.control[1] + found),
        )
    return table


def _figure(node: Node, one: Estimand | Hypothesis) -> str:
    return one.unit.write(node.raw)


def _ends(node: Node, one: Estimand | Hypothesis) -> str:
    return one.unit.interval(node.ends).replace(" to ", "…")


def _grid(first: str) -> Table:
    from rich import box
    from rich.table import Table

    from workbench.terminal import printable

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), collapse_padding=True, pad_edge=False
    )
    table.add_column(printable(first), overflow="fold")
    return table


def _text(words: str, style: str = "") -> Text:
    """Words as they are: no markup is read, and nothing steers the terminal."""
    from rich.text import Text

    from workbench.terminal import printable

    return Text(printable(words).replace("\n", "⏎").replace("\t", " "), style=style)
