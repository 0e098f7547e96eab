"""Would a cheap figure have found the block that measuring found?

Each figure gives every block (i, j) a score; the scores' order is set beside the measured gains.
Which end of a figure is the promising one was laid down before any map was seen (``SCREENS``), so a
negative correlation says that the figure misleads, not that it works upside down. One screen needs
no model at all: shorter blocks first. A figure that does no better has only noticed that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.compare.ranks import rank_agreement
from workbench.evaluate.intervals import Interval, t_quantile
from workbench.relayer.path import Block

Floats = npt.NDArray[np.float64]
Map = Mapping[Block, float]

#: What a reader of the screens is to know.
METHOD = (
    "A screen's correlation is Spearman's over the measured blocks of one model: one data point, "
    "whatever its interval. Positive says that the order works as it was meant to before any map "
    "was seen. Blocks overlap and are not independent: the interval's width is how far the "
    "correlation strays when the figure is shifted round the layers, forwards and reversed; noise "
    "in the gains themselves is not in it."
)


@dataclass(frozen=True)
class Screen:
    """A figure as an order of blocks: ``sign`` is -1 where low values are the promising ones."""

    name: str
    part: str
    figure: str
    sign: int


#: ``part`` is where the anatomy holds the figure. A figure of layers scores a block by its mean
#: over the block's layers.
SCREENS = (
    Screen("low block influence", "layers", "block influence", -1),
    Screen("low displacement", "layers", "displacement", -1),
    Screen("high language agreement", "layers", "language agreement", 1),
    Screen("high lens entropy", "layers", "lens entropy", 1),
    Screen("low norm growth", "layers", "norm growth", -1),
    Screen("low displacement of the block", "blocks", "displacement", -1),
    Screen("similar states at both ends", "similarity", "", 1),
    Screen("short block (no figure)", "", "", -1),
)


def screen(
    anatomy: Mapping[str, Any], paths_summary: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """How each figure ranks the blocks that were measured, the strongest correlation first.

    ``anatomy`` is what ``measure_anatomy`` returns, ``paths_summary`` the ``paths`` of a scan's
    result; the gain of a block is its ``combined``, and one that overflowed ranks below all others.

    Returns:
        For every figure ``figure``, ``of`` (the figure it is made of), ``prefers`` (``high`` or
        ``low``), ``spearman`` (positive: promising blocks gained more), ``ci95``, ``n`` (blocks),
        ``top_block`` (the figure's choice), ``rank_of_top_block`` (in the measured map),
        ``rank_of_measured_best`` (in the figure's order). Ranks start at 1, ties at their last
        place. None where a figure has no values, or all the same.
    """
    gains = measured_gains(paths_summary)
    if not gains:
        return []
    n_layers = _layer_count(anatomy, gains)
    found = [_judged(each, _order(each, anatomy, n_layers), gains) for each in SCREENS]
    return sorted(found, key=lambda s: -abs(s["spearman"]) if s["spearman"] is not None else 1)


def measured_gains(paths_summary: Sequence[Mapping[str, Any]]) -> dict[Block, float]:
    """The combined gain of every measured block; -inf for one that overflowed everywhere."""
    gains: dict[Block, float] = {}
    for row in paths_summary:
        if not row.get("block") or row["block"][0] >= row["block"][1]:
            continue
        block = (int(row["block"][0]), int(row["block"][1]))
        gain = row.get("combined")
        if gain is not None and not math.isnan(gain):
            gains.setdefault(block, float(gain))
        elif any(scores.get("overflow") for scores in (row.get("scores") or {}).values()):
            gains.setdefault(block, -math.inf)
    return gains


@dataclass(frozen=True)
class _Order:
    """Scores of all blocks, [N+1, N+1] with rows i and columns j, and the same shifted."""

    scores: Floats
    shifted: Sequence[Callable[[], Floats]]


def _order(each: Screen, anatomy: Mapping[str, Any], n_layers: int) -> _Order | None:
    """The scores of a screen, higher being more promising; None where the figure has no values."""
    if each.part == "layers":
        row = _floats(anatomy.get("layers", {}).get(each.figure) or [])
        if row.shape != (n_layers,) or not np.isfinite(row).any():
            return None
        return _of_layers(each.sign * row)
    if each.part:
        given = anatomy.get(each.part) or {}
        matrix = _floats((given.get(each.figure) or []) if each.figure else (given or []))
        if matrix.shape != (n_layers + 1, n_layers + 1) or not np.isfinite(matrix).any():
            return None
    else:
        depths = np.arange(n_layers + 1, dtype=float)
        matrix = depths[None, :] - depths[:, None]
    return _of_pairs(each.sign * matrix)


def _of_layers(row: Floats) -> _Order:
    def rolled(values: Floats, shift: int) -> Callable[[], Floats]:
        return lambda: block_means(np.roll(values, shift))

    n = len(row)
    shifted = [rolled(row, s) for s in range(1, n)] + [rolled(row[::-1], s) for s in range(n)]
    return _Order(block_means(row), shifted)


def _of_pairs(matrix: Floats) -> _Order:
    n = len(matrix)
    whole = np.triu(matrix, 1) + np.triu(matrix, 1).T

    def moved(order: npt.NDArray[np.intp]) -> Callable[[], Floats]:
        return lambda: whole[np.ix_(order, order)]

    depths = np.arange(n)
    shifted = [moved(np.roll(depths, s)) for s in range(1, n)]
    shifted += [moved(np.roll(depths[::-1], s)) for s in range(n)]
    return _Order(whole, shifted)


def block_means(row: Floats) -> Floats:
    """[N+1, N+1]: the mean of ``row`` over layers i … j-1 for i < j, NaN elsewhere."""
    n = len(row)
    sums = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(row), row, 0.0))])
    holes = np.concatenate([[0], np.cumsum(~np.isfinite(row))])
    depths = np.arange(n + 1)
    lengths = depths[None, :] - depths[:, None]
    whole = (lengths > 0) & (holes[None, :] == holes[:, None])
    means: Floats = np.full((n + 1, n + 1), np.nan)
    np.divide(sums[None, :] - sums[:, None], lengths, out=means, where=whole)
    return means


def _judged(each: Screen, order: _Order | None, gains: Map) -> dict[str, Any]:
    result: dict[str, Any] = {
        "figure": each.name,
        "of": each.figure or ("similarity" if each.part else None),
        "prefers": "high" if each.sign > 0 else "low",
        "spearman": None,
        "ci95": None,
        "n": 0,
        "top_block": None,
        "rank_of_top_block": None,
        "rank_of_measured_best": None,
    }
    if order is None:
        return result
    blocks = [block for block in gains if math.isfinite(order.scores[block])]
    result["n"] = len(blocks)
    measured = _lifted(np.array([gains[block] for block in blocks]))
    scores = _at(order.scores, blocks)
    r = rank_agreement(scores, measured).spearman
    if r is None:
        return result
    others = [rank_agreement(_at(s(), blocks), measured).spearman for s in order.shifted]
    interval = shift_interval(r, [other for other in others if other is not None])
    top, best = _first(scores, blocks), _first(measured, blocks)
    result |= {
        "spearman": r,
        "ci95": list(interval) if interval else None,
        "top_block": list(blocks[top]),
        "rank_of_top_block": int((measured >= measured[top]).sum()),
        "rank_of_measured_best": int((scores >= scores[best]).sum()),
    }
    return result


def shift_interval(r: float, shifted: Sequence[float]) -> Interval | None:
    """A 95% interval for a correlation ``r`` between a figure and a map that are smooth in depth.

    ``shifted`` are the correlations of the same figure shifted round the layers: what comes about
    when nothing relates the two but their smoothness. Their root mean square, in Fisher's z, is the
    standard error. Fewer than four shifts tell nothing: None.
    """
    if len(shifted) < 4:
        return None
    edge = 0.999
    z = np.arctanh(np.clip(np.asarray(shifted), -edge, edge))
    # In simulations of unrelated figures and maps, white to random walks over 6 to 24 layers, 95%
    # of correlations lie within 1.5 to 2.3 of these errors; t's quantile here is 2.2 to 2.0.
    reach = t_quantile(len(shifted)) * float(np.sqrt((z**2).mean()))
    centre = math.atanh(min(edge, max(-edge, r)))
    return min(r, math.tanh(centre - reach)), max(r, math.tanh(centre + reach))


def _first(values: Floats, blocks: Sequence[Block]) -> int:
    """The place of the highest value; of equals the shortest block, then the earliest."""
    return min(
        range(len(blocks)), key=lambda b: (-values[b], blocks[b][1] - blocks[b][0], blocks[b])
    )


def _lifted(gains: Floats) -> Floats:
    """Ranks only: -inf becomes a number below all others, so that it stays in the count."""
    finite = gains[np.isfinite(gains)]
    lowest = float(finite.min()) - 1.0 if finite.size else 0.0
    return np.where(np.isneginf(gains), lowest, gains)


def _at(scores: Floats, blocks: Sequence[Block]) -> Floats:
    at = np.array(blocks, dtype=int).reshape(-1, 2)
    found: Floats = scores[at[:, 0], at[:, 1]]
    return found


def _layer_count(anatomy: Mapping[str, Any], gains: Map) -> int:
    rows = [row for row in (anatomy.get("layers") or {}).values() if row]
    return len(rows[0]) if rows else max(j for _, j in gains)


def _floats(values: Any) -> Floats:
    """``values`` with None as NaN."""
    return np.array(values, dtype=float) if values else np.empty(0)
