"""The hypotheses: effect, verdict and positive control of each, and what every base showed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup, escape

from workbench.report.figures.axis import Scale, finite, nice
from workbench.report.figures.leaderboard_rows import axis, row
from workbench.report.figures.study_diamond import diamond
from workbench.report.leaderboard_read import Node
from workbench.report.study_numbers import Unit, said, unit_of
from workbench.report.study_sides import Sides, side_glyph

#: The verdict's mark and style.
VERDICTS = {
    "supported": ("✓", "supported"),
    "not supported": ("✗", "contradicted"),
    "cannot tell": ("?", "not-shown"),
}
_ARXIV = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5})(?![\d.]*\d)")


@dataclass(frozen=True)
class Shown:
    """What a probe found in one base."""

    base: str
    glyph: Markup
    node: Node
    strip: Markup | None
    fires: str


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, prepared."""

    node: Node
    title: str
    unit: Unit
    mark: str
    style: str
    effect: Markup | None
    bases: list[Shown]
    axis: Markup
    fired: str
    paper: Markup
    source: Markup

    @property
    def control(self) -> tuple[str, str]:
        """Whether the positive control was passed: its style and its words."""
        if self.node.control.of.number == 0:
            return "open", "no cause of its own"
        passed = self.node.control.passed.raw
        if passed is True:
            return "passed", "passed"
        if passed is False:
            return "failed", "not passed"
        return "open", "not run"


class HypothesesView:
    """Registered hypotheses first, then what was explored."""

    def __init__(self, root: Node, sides: Sides) -> None:
        self._nodes = [node for node in root.hypotheses if node.name.words]
        self._sides = sides

    @cached_property
    def kinds(self) -> list[tuple[str, str, list[Hypothesis]]]:
        """Title, remark and hypotheses of both kinds, where there are any."""
        both = (
            ("Registered before the first result", "p adjusted by Holm's method", True),
            ("Explored", "not registered; p adjusted after Benjamini and Hochberg", False),
        )
        found = [
            (title, remark, [self._one(n) for n in self._nodes if n.registered.yes == registered])
            for title, remark, registered in both
        ]
        return [kind for kind in found if kind[2]]

    @property
    def count(self) -> dict[str, int]:
        """How many hypotheses got each verdict."""
        return {v: sum(n.verdict.words == v for n in self._nodes) for v in VERDICTS}

    def _one(self, node: Node) -> Hypothesis:
        unit = unit_of(node.unit.words)
        title = node.title.words or node.name.words
        mark, style = VERDICTS.get(node.verdict.words, ("?", "not-shown"))
        scale = _scale(unit, node.bases)
        bases = [
            self._base(base, unit, scale, title) for base in sorted(node.bases, key=self._rank)
        ]
        return Hypothesis(
            node, title, unit, mark, style, self._effect(node, unit, title, style), bases,
            axis(scale, sign=False), self._fired(node), paper_links(node.paper.words, short=True),
            paper_links(node.paper.words),
        )  # fmt: skip

    def _rank(self, base: Node) -> tuple[int, float]:
        """Side by side, the one asked about first; within it the largest values first."""
        side = {True: 0, False: 1, None: 2}[self._sides.is_asked(base.group.words)]
        value = base.value.number
        return side, -value if value is not None else float("inf")

    def _effect(self, node: Node, unit: Unit, title: str, style: str) -> Markup | None:
        effect = node.effect
        value = unit.shown(effect.value.number)
        if value is None:
            return None
        ends = unit.ends(effect.ci95.ends)
        margin = unit.shown(node.margin.number)
        most = max(abs(v) for v in finite([value, *ends, margin])) or 1.0
        words = (
            f"{title}, {self._sides.asked} minus {self._sides.others}: "
            f"{said(effect.value, effect.ci95, unit)}"
        )
        # Units differ: each on a scale of its own, around zero.
        around = Scale(-1.1 * most, 1.1 * most, (0.0,))
        drawn = "whole" if style == "supported" else "part"
        return diamond(value, ends, around, words, margin=margin, style=drawn, height=26)

    def _base(self, node: Node, unit: Unit, scale: Scale, title: str) -> Shown:
        name, group = node.base.words, node.group.words
        fires = {True: "shows", False: "does not"}.get(node.fires.raw, "cannot tell")  # type: ignore[call-overload]
        strip = None
        if node.value.number is not None:
            told = said(node.value, node.ci95, unit, sign=False)
            words = f"{name} ({group}), {title.lower()}: {told}; {fires}"
            strip = row(
                unit.shown(node.value.number), unit.ends(node.ci95.ends), scale, words,
                chinese=self._sides.is_asked(group), height=26,
            )  # fmt: skip
        return Shown(name, side_glyph(self._sides, group), node, strip, fires)

    def _fired(self, node: Node) -> str:
        """``shows in 5 of 10 chinese and 2 of 12 others``; empty where no base was judged."""
        parts = []
        for name, _ in self._sides.both:
            judged = [b for b in node.bases if b.group.words == name and b.fires]
            if judged:
                parts.append(f"{sum(b.fires.yes for b in judged)} of {len(judged)} {name}")
        return "shows in " + " and ".join(parts) if parts else ""


def _scale(unit: Unit, bases: Sequence[Node] | Node) -> Scale:
    values = finite(unit.shown(x) for node in bases for x in (node.value.number, *node.ci95.ends))
    return nice(min(0.0, *values), max(0.0, *values), 4) if values else nice(0, 1)


def paper_links(paper: str, *, short: bool = False) -> Markup:
    """The paper's name, its arXiv numbers as links; all else is text.

    ``short``: the numbers alone, where there are any.
    """
    found = _ARXIV.findall(paper)
    parts = _ARXIV.split(f"arXiv {', '.join(dict.fromkeys(found))}" if short and found else paper)
    made = [
        Markup('<a href="https://arxiv.org/abs/{0}" rel="noreferrer">{0}</a>').format(part)
        if index % 2
        else escape(part)
        for index, part in enumerate(parts)
    ]
    return Markup("").join(made)
