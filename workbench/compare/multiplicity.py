"""p values of several tests at once: Holm for those registered, Benjamini-Hochberg to explore."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: each at most alpha keeps the chance of any false one at alpha.

    Holm (1979), Scand. J. Stat. 6, 65-70. It needs no independence.

    Raises:
        ValueError: a p value is outside 0 to 1.
    """
    values, order = _ordered(p)
    steps = values[order] * (len(values) - np.arange(len(values)))
    return _back(np.minimum(np.maximum.accumulate(steps), 1.0), order)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p values: those at most alpha hold a share of false ones of alpha, on average.

    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300, for independent or positively
    dependent tests.

    Raises:
        ValueError: a p value is outside 0 to 1.
    """
    values, order = _ordered(p)
    steps = values[order] * len(values) / (1 + np.arange(len(values)))
    return _back(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _ordered(p: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(p, dtype=float)
    if not bool(np.all((values >= 0) & (values <= 1))):
        raise ValueError(f"p values from 0 to 1, not {list(p)}")
    return values, np.argsort(values, kind="stable")


def _back(adjusted: np.ndarray, order: np.ndarray) -> list[float]:
    found = np.empty_like(adjusted)
    found[order] = adjusted
    return [float(value) for value in found]
