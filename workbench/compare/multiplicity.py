"""p values of several tests at once: Holm for those registered, Benjamini-Hochberg to explore."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: each at most alpha keeps the chance of any false one at alpha.

    Holm (1979), Scand. J. Stat. 6, 65-70. It needs no independence.

    Raises:
        ValueError: a p value is outside 0 to 1.
    """
    return _adjusted(p, "holm")


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p values: those at most alpha hold a share of false ones of alpha, on average.

    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300, for independent or positively
    dependent tests.

    Raises:
        ValueError: a p value is outside 0 to 1.
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: Sequence[float], method: str) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    if not all(0 <= value <= 1 for value in p):
        raise ValueError(f"p values from 0 to 1, not {list(p)}")
    return [float(value) for value in multipletests(list(p), method=method)[1]] if p else []
