"""What the page of an analysis shows: numbers with their places in the results, and marks."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any


class Shown(HTMLParser):
    """Every number of a page: its pointer, exact value, factor and text; and the marks' values.

    ``factor`` is what the value is multiplied with before it is shown, ``None`` where the page
    names none.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, Any, float | None, str]] = []
        self.marks: list[float] = []
        self._open: tuple[str, Any, float | None] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "data":
            factor = float(found["data-factor"] or "") if "data-factor" in found else None
            self._open = (found["data-path"] or "", json.loads(found["value"] or ""), factor)
        if "data-value" in found:
            self.marks.append(float(found["data-value"] or ""))

    def handle_data(self, data: str) -> None:
        if self._open:
            self.numbers.append((*self._open, data))
            self._open = None


def at(results: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        results = results[int(key)] if isinstance(results, list) else results[key]
    return results
