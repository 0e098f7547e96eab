"""How headers are compared: exports drop emoji, spreadsheets turn spaces into underscores."""

from __future__ import annotations

import unicodedata


def letters(header: str) -> str:
    """``header`` as it is compared: lower case, letters and digits only."""
    plain = unicodedata.normalize("NFKC", header).casefold()
    return "".join(c for c in plain if c.isalnum() and c.isascii())
