"""Chinese bases and others, told apart by shape, filling and colour: each alone would do."""

from __future__ import annotations

from markupsafe import Markup

from workbench.report.figures.svg import SHAPES, mark, tag

#: Where no lab is known, a shape of its own.
UNKNOWN = "unplaced"
_SHAPES = {"chinese": "merge", "other": "finetune", UNKNOWN: "base"}


def group_class(chinese: bool | None) -> str:
    """The style class of a group."""
    return UNKNOWN if chinese is None else "chinese" if chinese else "other"


def group_word(chinese: bool | None) -> str:
    """The group in a word."""
    return "lab unknown" if chinese is None else "Chinese" if chinese else "not Chinese"


def group_mark(
    chinese: bool | None, x: float, y: float | str, *children: Markup, **attributes: object
) -> Markup:
    """A filled diamond for a Chinese base, a ring for another, at ``x`` (a fraction) and ``y``."""
    name = group_class(chinese)
    return mark(_SHAPES[name], x, y, *children, class_=f"mark {name}", **attributes)


def group_glyph(chinese: bool | None) -> Markup:
    """The same mark beside a name."""
    name = group_class(chinese)
    shape = tag("path", d=SHAPES[_SHAPES[name]], class_=f"mark {name}")
    return tag(
        "svg",
        tag("title", group_word(chinese)),
        shape,
        class_="glyph",
        viewBox="-8 -8 16 16",
        role="img",
        aria_label=group_word(chinese),
    )
