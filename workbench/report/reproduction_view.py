"""A reproduction prepared for the template: what is drawn, and what is said of it in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures import equivalence
from workbench.report.figures.axis import Scale
from workbench.report.figures.power import curves, power_panel
from workbench.report.reproductions import Ends, Figure, Reproduction


@dataclass(frozen=True)
class FigureRow:
    """A row of the table; ``strip`` draws what ``words`` say."""

    name: str
    figure: Figure
    words: str
    strip: Markup


class ReproductionView:
    """One published entry held against one output."""

    def __init__(self, found: Reproduction, seeded: bool) -> None:
        self.found = found
        seed = f" (seed {found.seed})" if seeded and found.seed is not None else ""
        self.output = f"{found.output}{seed}"

    @property
    def mark(self) -> str:
        """A sign that stands for the verdict without its colour."""
        return equivalence.WORDS[self.found.verdict]

    @property
    def style(self) -> str:
        """The verdict as a style's name."""
        return equivalence.STYLES[self.found.verdict]

    @property
    def unit(self) -> str:
        """The unit of figures, where they have one."""
        return " points" if self.found.in_points else ""

    def figure(self, value: float | None, *, sign: bool = False) -> str:
        """A figure in its unit's usual digits."""
        if self.found.in_points:
            return numbers.points(value, sign=sign, decimals=2)
        return numbers.signed(value) if sign else numbers.score(value)

    def ends(self, ends: Ends) -> str:
        """An interval of a difference, in words."""
        low, high = (self.figure(end, sign=True) for end in ends)
        return numbers.NONE if numbers.NONE in (low, high) else f"{low} to {high}"

    @property
    def margin(self) -> str:
        """The margin with its unit."""
        text = f"{self.found.margin:g}"
        return f"±{text}{self.unit}"

    @cached_property
    def scale(self) -> Scale:
        """One scale for all figures of the entry."""
        ends = [end for figure in self.found.tasks.values() for end in figure.ci95]
        return equivalence.scale(self.found.margin, ends)

    @cached_property
    def rows(self) -> list[FigureRow]:
        """The figures in the order of the file."""
        rows = []
        for name, figure in self.found.tasks.items():
            words = (
                f"{figure.title or name}: ours {self.figure(figure.ours)}, published "
                f"{self.figure(figure.theirs)}, difference "
                f"{self.figure(figure.difference, sign=True)}, 90% interval "
                f"{self.ends(figure.ci90)}, 95% interval {self.ends(figure.ci95)}, margin "
                f"{self.margin}: {figure.verdict}"
            )
            drawn = equivalence.strip(figure, self.found.margin, self.scale, words)
            rows.append(FigureRow(name, figure, words, drawn))
        return rows

    @property
    def lead(self) -> str:
        """The verdict on the entry in one sentence."""
        named = f"{self.found.entry} ({self.found.snapshot})"
        titles = {
            verdict: [r.figure.title or r.name for r in self.rows if r.figure.verdict == verdict]
            for verdict in equivalence.STYLES
        }
        if self.found.verdict == "reproduced":
            return (
                f"{self.output} reproduces {named}: every figure lies within {self.margin} of "
                "the published one."
            )
        beyond = titles["not reproduced"]
        if self.found.verdict == "not reproduced":
            which = _listed(beyond) if beyond else "its figures taken together"
            return (
                f"{self.output} does not reproduce {named}: {which} "
                f"{'lie' if len(beyond) > 1 else 'lies'} beyond {self.margin} of the published "
                f"{'figures' if len(beyond) > 1 else 'figure'}."
            )
        if not self.rows:
            return f"Nothing of {named} could be held against {self.output}."
        counted = (
            f"{len(titles['reproduced'])} of {numbers.plural(len(self.rows), 'figure')} "
            f"reproduced, {len(titles['cannot tell'])} open"
        )
        if beyond:
            counted += (
                f", {len(beyond)} beyond the margin by no more than luck can show among "
                f"{len(self.rows)}"
            )
        return f"It cannot be told whether {self.output} reproduces {named}: {counted}."

    @property
    def open_figures(self) -> list[str]:
        """For each figure that cannot be told, how many items would tell."""
        return [
            f"{row.figure.title or row.name}: {needed(row.figure)}"
            for row in self.rows
            if row.figure.verdict == "cannot tell" and row.figure.known
        ]

    @cached_property
    def panels(self) -> list[tuple[str, Markup]]:
        """The power curve of each figure that has one."""
        drawn = [(r.figure.title or r.name, power_panel(r.figure, self.found.margin))
                 for r in self.rows]  # fmt: skip
        return [(title, panel) for title, panel in drawn if panel is not None]

    @property
    def curves(self) -> list[tuple[str, str]]:
        """The lines of the power curves: words and style."""
        return [(words, style) for words, style, _, _ in curves(self.found.margin)]

    @property
    def draws(self) -> int:
        """How many simulated evaluations stand behind each point."""
        return max((r.draws for f in self.found.tasks.values() for r in f.power), default=0)

    @property
    def unlike(self) -> list[str]:
        """The conditions that are known to differ, by name."""
        return [row.what for row in self.found.conditions if row.differs]


def needed(figure: Figure) -> str:
    """``about 450 of 1,192 items would tell if the entry holds; …``."""
    of = numbers.count(figure.of)
    if figure.items_needed is None:
        holds = (
            f"not even all {of} items would tell with this margin if the entry holds: two runs of "
            "the same weights differ too much"
        )
    elif figure.n is not None and figure.items_needed <= figure.n:
        holds = (
            f"{numbers.count(figure.items_needed)} items would have told in four cases of five if "
            f"the entry held, and {numbers.count(figure.n)} were asked"
        )
    else:
        items = numbers.count(figure.items_needed)
        holds = f"about {items} of {of} items would tell if the entry holds"
    seen = (
        "more than the set has"
        if figure.items_needed_if_observed is None
        else f"about {numbers.count(figure.items_needed_if_observed)}"
    )
    return f"{holds}; {seen} if the true difference is the one seen here."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
