"""A published entry against its parent, prepared for the template."""

from __future__ import annotations

from functools import cached_property

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, change_scale
from workbench.report.figures.leaderboard_luck import alike, distribution
from workbench.report.figures.leaderboard_rows import row
from workbench.report.leaderboard_read import Node

#: Rows of two lines each: one interval below the other.
ROW = 44


class EntryView:
    """One comparison, as ``leaderboard.luck.compare_published`` gives it."""

    def __init__(self, entry: Node, index: int) -> None:
        self.entry = entry
        self.index = index
        sentences = [node.words for node in entry["words"] if node.words]
        self.lead = sentences[0] if sentences else ""
        self.said = sentences[1:]
        self.distribution = distribution(entry)
        self.alike = alike(entry)

    @property
    def anchor(self) -> str:
        """The section's id."""
        return f"entry-{self.index}"

    @property
    def short(self) -> str:
        """The entry's name without its submitter's."""
        return self.entry.entry.words.rpartition("/")[2]

    @cached_property
    def scale(self) -> Scale:
        """One scale for all benchmarks and the average."""
        rows = [row for _, row in self._rows()]
        return change_scale(
            end
            for row in rows
            for end in (row.delta.number, *row.ci95.independent.ends, *row.ci95.differ.ends)
        )

    @cached_property
    def benchmarks(self) -> list[tuple[str, Node, Markup]]:
        """Title, figures and strip of each benchmark, the average last."""
        return [(title, node, self._strip(title, node)) for title, node in self._rows()]

    def _rows(self) -> list[tuple[str, Node]]:
        found = [(node.title.words or name, node) for name, node in self.entry.benchmarks.pairs()]
        return [*found, ("Average", self.entry.average)] if self.entry.average else found

    def _strip(self, title: str, node: Node) -> Markup:
        narrow, wide = node.ci95.differ.ends, node.ci95.independent.ends
        share = numbers.per_cent(self.entry.differ.raw)
        words = (
            f"{title}: {numbers.points(node.delta.raw, sign=True, decimals=2)} points, 95% "
            f"interval {interval(narrow)} if they differ on {share} of the items, "
            f"{interval(wide)} if they answer independently"
        )
        excludes = [(e[0] or 0) > 0 or (e[1] or 0) < 0 for e in (narrow, wide)]
        style = "sure" if all(excludes) else "unsure"
        return row(
            node.delta.number, narrow, self.scale, words, style=style, widest=wide, height=ROW
        )


def interval(ends: tuple[float | None, float | None], decimals: int = 2) -> str:
    """``−1.02 to +3.32``."""
    low, high = (numbers.points(end, sign=True, decimals=decimals) for end in ends)
    return f"{low} to {high}"
