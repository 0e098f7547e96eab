"""What one cell of an export says: a date, a type, a model's name out of its link.

Each function takes a whole column, because a table can have a hundred thousand rows.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.tables.cells import NOTHING, each, stripped

if TYPE_CHECKING:
    import pandas as pd

HUB = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?!datasets/|spaces/)", re.I)
LINK = re.compile(r"<a\b[^>]*?href\s*=\s*[\"']?([^\"'\s>]+)[^>]*>(.*?)</a>", re.I | re.S)
TAG = re.compile(r"<[^>]*>")
NAME = re.compile(r"[A-Za-z0-9][\w.\-]*(?:/[\w.\-]+)?")
MERGE_MARK = re.compile(r"\s*\((?:merge|moerge|merged)\)\s*$", re.I)
REMOVED = frozenset({"removed", "deleted", "(removed)"})

#: What the leaderboard calls a model's making, by its symbol and by its words.
TYPES: Mapping[str, str] = {
    "🟢": "pretrained",
    "🟩": "continued",
    "🔶": "finetune",
    "💬": "chat",
    "🤝": "merge",
    "🌸": "multimodal",
}
TYPE_WORDS: tuple[tuple[str, str], ...] = (
    ("continuous", "continued"),
    ("merge", "merge"),
    ("multimodal", "multimodal"),
    ("pretrained", "pretrained"),
    ("fine-tuned", "finetune"),
    ("finetuned", "finetune"),
    ("chat", "chat"),
)


def dates(column: Sequence[Any]) -> pd.Series:
    """A column of dates without time of day; NaT where there is none."""
    import pandas as pd

    text = pd.Series(each(column, lambda cell: stripped(cell)[:10]), dtype=object)
    return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")


def name_of(cell: Any) -> str:
    """A model's hub id out of a cell that may be a link, a page's address, or the id itself."""
    text = stripped(cell)
    if "<" in text:
        for address, shown in LINK.findall(text):
            if HUB.match(address):
                return HUB.sub("", html.unescape(address)).strip("/")
            if NAME.fullmatch(TAG.sub("", shown).strip()):
                return TAG.sub("", shown).strip()
        text = TAG.sub("", text)
    text = html.unescape(text).strip()
    return HUB.sub("", text).strip("/")


def parents_of(cell: Any) -> tuple[tuple[str, ...], bool, str]:
    """The parents that a ``Base Model`` cell names, whether it is marked as a merge, and a reason
    for naming none: ``"removed"``, ``"nothing"``, ``"unreadable"`` or ``""``."""
    if isinstance(cell, (list, tuple)):
        parts = [stripped(part) for part in cell]
    else:
        text = stripped(cell)
        if text.startswith("[") and text.endswith("]"):
            parts = _listed(text)
        elif "<" in text or NAME.fullmatch(text):
            parts = [text]
        else:
            parts = re.split(r"\s*[,;|]\s*", text)
    merged, names = len(parts) > 1, []
    for part in parts:
        merged = merged or bool(MERGE_MARK.search(part))
        name = name_of(MERGE_MARK.sub("", part))
        if name.lower() in REMOVED:
            return (), merged, "removed"
        if name.lower() in NOTHING:
            continue
        if not NAME.fullmatch(name):
            return (), merged, "unreadable"
        if name not in names:
            names.append(name)
    return tuple(names), merged, "" if names else "nothing"


def _listed(text: str) -> list[str]:
    try:
        return [str(part) for part in ast.literal_eval(text)]
    except (ValueError, SyntaxError):
        return [part.strip(" '\"") for part in text[1:-1].split(",")]


def type_of(symbol: Any, words: Any) -> str:
    """How a model was made, by the leaderboard's symbol or words; ``other`` for any it has not."""
    text = f"{stripped(symbol)} {stripped(words)}"
    for sign, name in TYPES.items():
        if sign in text:
            return name
    low = text.lower()
    return next((name for word, name in TYPE_WORDS if word in low), "other")
