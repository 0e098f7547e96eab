"""What a mistyped word was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Longer words are no slip of the pen, and the search takes time with the square of their length.
LONGEST = 100


def likely(word: str, words: Iterable[str], *, most: int = 3, cutoff: float = 0.6) -> list[str]:
    """Those of ``words`` that are close to ``word`` in any case, at most ``most``, closest first.

    ``cutoff`` is difflib's ratio, from 0 (anything) to 1 (equal).
    """
    by_lower = {known.lower(): known for known in words}
    near = difflib.get_close_matches(word.lower()[:LONGEST], by_lower, n=most, cutoff=cutoff)
    return [by_lower[match] for match in near]


def did_you_mean(word: str, words: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> str:
    """``did you mean ...?`` as a remedy, or an empty text where nothing is close."""
    near = likely(word, words, most=most, cutoff=cutoff)
    return f"did you mean {' or '.join(near)}?" if near else ""
