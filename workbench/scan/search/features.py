"""What the surrogate sees of a path: numbers that keep order and seams.

Counts of visits alone cannot tell ABAB from AABB, nor can sums over seams tell which came first. So
beside them stand the seams themselves, in order, and how neighbouring seams lie to each other.

Per layer (N each):
    ``visits``  how often the layer runs;
    ``shift``   position of its first visit less its index; missing if it never runs;
    ``gap``     visits from its first to its second, 0 if there is no second;
    ``source``  seams that leave it;
    ``target``  seams that enter it.
Per seam, for the first ``SEAMS`` in order, missing where there are fewer:
    ``source``, ``target``, ``jump`` (target - source - 1: below 0 a repeat, above 0 a skip), ``at``
    (its position on the path), ``run`` (length of the run before it).
Of the whole path:
    ``length``, ``extra``, ``first``, ``last`` (layers it starts and ends with), ``seams``,
    ``repeats``, ``skips`` (seams by direction), ``left_out`` (layers never run), ``most`` (visits
    of the layer run most), ``doubled`` (layers run more than once), ``centre`` and ``width`` (mean
    and SD of the layer over extra visits), ``gap_mean``, ``run_shortest``, ``run_longest``,
    ``jump_longest`` (back), ``jump_total``;
    ``eighth_0`` … ``eighth_7``: extra visits by depth.
N-grams of seams, as counts over neighbours (source → target of one, then of the next):
    ``again`` the same seam twice (a block looped once more), ``ahead`` the next block lies wholly
    behind the last (AABB), ``inside`` and ``around`` one block within the other, ``across`` they
    overlap, ``mixed`` one of the two is a skip; ``again_again`` and ``ahead_ahead`` over three.

``first``, ``last`` and the first seams rebuild a path of up to ``SEAMS`` seams, so that equal
features mean equal paths there. Longer ones may collide where they differ in later seams only and
all counts agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.scan.search.runs import PAD, Runs

#: Seams that are given one by one.
SEAMS = 6

#: What stands where there is nothing to give: far from every value, so that a tree can split it
#: off. (Not NaN: scikit-learn's trees refuse a column that has nothing else.)
MISSING = -10_000.0

_EIGHTHS = 8
_LAYER = ("visits", "shift", "gap", "source", "target")
_SEAM = ("source", "target", "jump", "at", "run")
_WHOLE = (
    *("length", "extra", "first", "last", "seams", "repeats", "skips", "left_out", "most"),
    *("doubled", "centre", "width", "gap_mean", "run_shortest", "run_longest", "jump_longest"),
    "jump_total",
)
_GRAMS = (*("again", "ahead", "inside", "around", "across", "mixed", "again_again", "ahead_ahead"),)

Floats = npt.NDArray[np.float64]


def names(n_layers: int) -> list[str]:
    """What each column of :func:`features` is."""
    return [
        *(f"{what}[{layer}]" for what in _LAYER for layer in range(n_layers)),
        *(f"seam{k}_{what}" for what in _SEAM for k in range(SEAMS)),
        *_WHOLE,
        *(f"eighth_{k}" for k in range(_EIGHTHS)),
        *_GRAMS,
    ]


def features(runs: Runs, n_layers: int) -> Floats:
    """``[paths, len(names(n_layers))]``; :data:`MISSING` where there is nothing to give.

    Takes about 8 (5 N + 70) bytes a path: hand over batches.
    """
    starts, ends = runs.starts.astype(np.int32), runs.ends.astype(np.int32)
    real = starts != PAD
    spans = np.where(real, ends - starts + 1, 0)
    offsets = np.cumsum(spans, axis=1) - spans
    by_layer = _layers(starts, ends, real, offsets, n_layers)
    visits, gap = by_layer[0], by_layer[2]
    sources, targets, is_seam = ends[:, :-1], starts[:, 1:], real[:, 1:]
    jumps = np.where(is_seam, targets - sources - 1, 0)
    by_seam = [
        _first(values, is_seam)
        for values in (sources, targets, jumps, offsets[:, 1:], spans[:, :-1])
    ]
    extra = np.maximum(visits - 1, 0)
    total = extra.sum(axis=1)
    layers = np.arange(n_layers)
    heavy = np.maximum(total, 1)
    centre = np.where(total > 0, extra @ layers / heavy, MISSING)
    second_moment = extra @ layers**2 / heavy
    doubled = (visits > 1).sum(axis=1)
    last = np.take_along_axis(ends, real.sum(axis=1, keepdims=True) - 1, axis=1)[:, 0]
    length = spans.sum(axis=1)
    whole = [
        length,
        length - n_layers,
        starts[:, 0],
        last,
        is_seam.sum(axis=1),
        (jumps < 0).sum(axis=1),
        (jumps > 0).sum(axis=1),
        (visits == 0).sum(axis=1),
        visits.max(axis=1),
        doubled,
        centre,
        np.where(total > 0, np.sqrt(np.maximum(second_moment - centre**2, 0)), 0),
        gap.sum(axis=1) / np.maximum(doubled, 1),
        np.where(real, spans, np.iinfo(np.int32).max).min(axis=1),
        spans.max(axis=1),
        np.maximum(-jumps, 0).max(axis=1, initial=0),
        np.abs(jumps).sum(axis=1),
    ]
    eighths = layers * _EIGHTHS // n_layers
    by_depth = extra @ (eighths[:, None] == np.arange(_EIGHTHS)).astype(np.float64)
    grams = _grams(sources, targets, jumps, is_seam)
    return np.concatenate(
        [*by_layer, *by_seam, np.stack(whole, axis=1), by_depth, np.stack(grams, axis=1)], axis=1
    )


def _layers(
    starts: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int32],
    real: npt.NDArray[np.bool_],
    offsets: npt.NDArray[np.int32],
    n_layers: int,
) -> list[Floats]:
    """Visits, shift, gap, source and target: ``[paths, layers]`` each."""
    size = (len(starts), n_layers)
    visits, gap = np.zeros(size), np.zeros(size)
    first = np.full(size, np.nan)
    sources, targets = np.zeros(size), np.zeros(size)
    layers = np.arange(n_layers)
    for r in range(starts.shape[1]):
        rows = np.flatnonzero(real[:, r])
        if not rows.size:
            break
        start, end = starts[rows, r, None], ends[rows, r, None]
        here = (layers >= start) & (layers <= end)
        at = offsets[rows, r, None] + layers - start
        before = visits[rows]
        first[rows] = np.where(here & (before == 0), at, first[rows])
        gap[rows] = np.where(here & (before == 1), at - first[rows], gap[rows])
        visits[rows] = before + here
        if r:
            sources[rows, ends[rows, r - 1]] += 1
            targets[rows, start[:, 0]] += 1
    shift = np.where(visits > 0, first - layers, MISSING)
    return [visits, shift, gap, sources, targets]


def _first(values: npt.NDArray[np.int32], is_seam: npt.NDArray[np.bool_]) -> Floats:
    """The first ``SEAMS`` columns; missing where there is no seam."""
    kept = np.full((len(values), SEAMS), MISSING)
    width = min(SEAMS, values.shape[1])
    kept[:, :width] = np.where(is_seam[:, :width], values[:, :width], MISSING)
    return kept


def _grams(
    sources: npt.NDArray[np.int32],
    targets: npt.NDArray[np.int32],
    jumps: npt.NDArray[np.int32],
    is_seam: npt.NDArray[np.bool_],
) -> list[npt.NDArray[np.int64]]:
    """Counts of how neighbouring seams lie to each other, in the order of ``_GRAMS``."""
    s1, t1, s2, t2 = sources[:, :-1], targets[:, :-1], sources[:, 1:], targets[:, 1:]
    two = is_seam[:, 1:]
    mixed = two & ((jumps[:, :-1] > 0) | (jumps[:, 1:] > 0))
    both = two & ~mixed
    again = both & (s1 == s2) & (t1 == t2)
    ahead = both & (t2 > s1)
    inside = both & ~again & ~ahead & (t2 >= t1) & (s2 <= s1)
    around = both & ~again & ~ahead & (t2 <= t1) & (s2 >= s1)
    across = both & ~again & ~ahead & ~inside & ~around
    pairs = [again, ahead, inside, around, across, mixed]
    triples = [kind[:, :-1] & kind[:, 1:] for kind in (again, ahead)]
    return [kind.sum(axis=1) for kind in (*pairs, *triples)]
