"""The two sides of a study: the group asked about, and the other."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.leaderboard_marks import group_class
from workbench.report.figures.svg import SHAPES, tag
from workbench.report.leaderboard_read import Node


class Sides:
    """The names of the sides, and which bases stand on which."""

    def __init__(self, root: Node) -> None:
        self._root = root.groups
        self.asked = self._root.asked.words or "asked"
        self.others = self._root.others.words or "others"
        self.family = {node.base.words: node.family.words for node in self._root.bases}
        self._seen = {node.base.words: node.group.words for node in self._root.bases}

    def is_asked(self, group: str) -> bool | None:
        """Whether ``group`` is the one asked about; ``None`` where it is neither."""
        return True if group == self.asked else False if group == self.others else None

    def of(self, base: str) -> bool | None:
        """The side that a base stands on."""
        return self.is_asked(self._seen.get(base, ""))

    @property
    def both(self) -> list[tuple[str, bool]]:
        """Each side's name, and whether it is the one asked about."""
        return [(self.asked, True), (self.others, False)]

    def size(self, group: str) -> str:
        """``5 families, 10 bases`` of a side; empty where that is not known."""
        node = self._root.sizes[group]
        families, bases = node.families.number, node.bases.number
        parts = []
        if families is not None:
            parts.append(numbers.plural(int(families), "family", "families"))
        if bases is not None:
            parts.append(numbers.plural(int(bases), "base"))
        return ", ".join(parts)

    @property
    def legend(self) -> list[tuple[Markup, str]]:
        """The mark and the words of each side."""
        return [(side_glyph(self, group), group) for group, _ in self.both]


def side_glyph(sides: Sides, group: str) -> Markup:
    """The mark of a side beside a name: a diamond for the group asked about, a ring for the other.

    A group that is neither gets a square.
    """
    asked = sides.is_asked(group)
    shape = SHAPES["base" if asked is None else "merge" if asked else "finetune"]
    return tag(
        "svg",
        tag("title", group),
        tag("path", d=shape, class_=f"mark {group_class(asked)}"),
        class_="glyph",
        viewBox="-8 -8 16 16",
        role="img",
        aria_label=group,
    )
