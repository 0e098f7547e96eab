"""What one cell says: a figure, yes or no, a date, a model's name out of its link.

Each function takes a whole column, because a table can have a hundred thousand rows.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

#: What people and programs write where there is no value.
NOTHING = frozenset({"", "-", "--", "?", "n/a", "na", "nan", "none", "null", "<na>", "nat"})
YES = frozenset({"true", "yes", "1", "1.0", "✅"})
NO = frozenset({"false", "no", "0", "0.0", "❌"})
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


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def each(column: Sequence[Any], say: Callable[[Any], T]) -> list[T]:
    """``say`` of every cell, asked once for each distinct one: most columns repeat a few."""
    known: dict[tuple[type, Any], T] = {}
    said = []
    for cell in column:
        if isinstance(cell, (list, dict)):
            said.append(say(cell))
            continue
        key = (type(cell), cell)
        if key not in known:
            known[key] = say(cell)
        said.append(known[key])
    return said


def text_of(cell: Any) -> str | None:
    """The cell's text; ``None`` where it holds no value."""
    text = _text(cell)
    return None if text.lower() in NOTHING else text


def figures(column: Sequence[Any]) -> tuple[pd.Series, list[int]]:
    """A column of figures (NaN where there is none), and where cells hold something else."""
    import pandas as pd

    values = pd.Series(column, dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    bad = []
    for at in numbers.index[numbers.isna()]:
        cell = _text(values[at])
        if cell.lower() in NOTHING:
            continue
        try:
            numbers[at] = float(cell.removesuffix("%").strip())
        except ValueError:
            bad.append(int(at))
    infinite = numbers.abs() == float("inf")
    bad += [int(at) for at in numbers.index[infinite]]
    return numbers.mask(infinite), sorted(bad)


def flags(column: Sequence[Any]) -> pd.Series:
    """A column of yes and no as pandas' ``boolean``; NA where the cell is neither."""
    import pandas as pd

    words = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    said = each(column, lambda cell: words.get(_text(cell).lower()))
    return pd.Series(said, dtype="boolean")


def dates(column: Sequence[Any]) -> pd.Series:
    """A column of dates without time of day; NaT where there is none."""
    import pandas as pd

    text = pd.Series(each(column, lambda cell: _text(cell)[:10]), dtype=object)
    return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")


def name_of(cell: Any) -> str:
    """A model's hub id out of a cell that may be a link, a page's address, or the id itself."""
    text = _text(cell)
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
        parts = [_text(part) for part in cell]
    else:
        text = _text(cell)
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
    text = f"{_text(symbol)} {_text(words)}"
    for sign, name in TYPES.items():
        if sign in text:
            return name
    low = text.lower()
    return next((name for word, name in TYPE_WORDS if word in low), "other")
