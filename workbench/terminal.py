"""Words from recipes, models and data, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` without characters that steer a terminal: a recipe's words are shown, not obeyed."""
    return "".join(
        c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
