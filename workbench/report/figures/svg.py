"""SVG elements as escaped text, and the marks that stand for the kinds of outputs."""

from __future__ import annotations

from markupsafe import Markup, escape

#: Outlines around (0, 0), about 10 wide: kinds differ by shape, so that no one needs the colour.
SHAPES = {
    "base": "M-4.5-4.5H4.5V4.5H-4.5Z",
    "finetune": "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
    "relayer": "M0-5.8L5.6 4.4H-5.6Z",
    "merge": "M0-6.2L6.2 0L0 6.2L-6.2 0Z",
    "scan": "M-6 0L-3-5.2H3L6 0L3 5.2H-3Z",
}
OTHER_SHAPE = "M-5-1.6H-1.6V-5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5Z"


def tag(name: str, *children: str | Markup | None, **attributes: object) -> Markup:
    """One element. Underscores in attribute names become hyphens; ``None`` leaves one out.

    Children and values are escaped unless they are markup already.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children if child is not None)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inner)


def percent(fraction: float) -> str:
    """A share of the figure's width or height: the figure stretches and its text does not."""
    return f"{100 * fraction:.2f}".rstrip("0").rstrip(".") + "%"


def stretched(d: str, style: str) -> Markup:
    """A path on a plane of 1000 by 1000, stretched to the whole of the figure that holds it."""
    return tag(
        "svg",
        tag("path", d=d, class_=style),
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def mark(kind: str, x: float, y: float | str, *children: Markup, **attributes: object) -> Markup:
    """The shape of ``kind`` with its centre at ``x`` (a fraction) and ``y``."""
    shape = tag("path", *children, d=SHAPES.get(kind, OTHER_SHAPE), **attributes)
    return tag("svg", shape, x=percent(x), y=y, overflow="visible", width="1", height="1")


def glyph(kind: str) -> Markup:
    """The shape of ``kind`` as a small inline figure beside a name; the name says it in words."""
    shape = tag("path", d=SHAPES.get(kind, OTHER_SHAPE), class_=f"mark kind-{_word(kind)}")
    return tag("svg", shape, class_="glyph", viewBox="-8 -8 16 16", aria_hidden="true")


def _word(kind: str) -> str:
    return kind if kind in SHAPES else "other"


def kind_class(kind: str) -> str:
    """The style class of a kind; only known words become classes."""
    return f"kind-{_word(kind)}"
