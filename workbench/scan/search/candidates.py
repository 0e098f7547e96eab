"""Paths drawn at random, many at once: several blocks, repeats and skips.

A candidate starts from the base, or from a good path already measured whose seams may first move by
a layer or two. Then come one to four moves: after some visit of the path, go back and run the last
few layers again (once to three times), or, more rarely, leave the next few out. Every path starts
with the first layer and ends with the last.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.scan.search.runs import PAD, Runs, runs_of

Index = npt.NDArray[np.int64]

#: How often a candidate takes 1, 2, 3, 4 moves, and a move runs its layers 1, 2, 3 times more.
_MOVES = (0.2, 0.4, 0.25, 0.15)
_TIMES = (0.8, 0.13, 0.07)

_SKIPS = 0.15
_FROM_GOOD = 0.5
_NUDGE = 2


def draw(
    rng: np.random.Generator, count: int, n_layers: int, max_extra: int, good: Runs | None = None
) -> Runs:
    """``count`` candidates less duplicates and the base, none longer than N + ``max_extra``.

    ``good`` are paths to start half of them from; those that are too long are left out.
    """
    base = runs_of([tuple(range(n_layers))])
    room = len(_MOVES) * len(_TIMES)
    if good is not None:
        good = good[good.lengths <= n_layers + max_extra]
    origin = base if good is None or not len(good) else good
    width = origin.starts.shape[1] + room
    picked = rng.integers(len(origin), size=count)
    from_base = rng.random(count) >= _FROM_GOOD
    wide, plain = origin.widened(width), base.widened(width)
    starts = np.where(from_base[:, None], plain.starts, wide.starts[picked])
    ends = np.where(from_base[:, None], plain.ends, wide.ends[picked])
    _nudge(rng, starts, ends, n_layers, max_extra)
    moves = rng.choice(len(_MOVES), size=count, p=_MOVES) + 1
    # A measured path that was nudged is a neighbour of its own accord.
    moves -= ~from_base & (rng.random(count) < 0.5)
    for move in range(len(_MOVES)):
        _move(rng, starts, ends, np.flatnonzero(moves > move), n_layers, max_extra)
    drawn = Runs(starts, ends)
    drawn = drawn.widened(int(drawn.counts.max(initial=1)))
    drawn = drawn[np.sort(np.unique(drawn.keys, return_index=True)[1])]
    return drawn[drawn.counts > 1]


def _nudge(
    rng: np.random.Generator,
    starts: npt.NDArray[np.int16],
    ends: npt.NDArray[np.int16],
    n_layers: int,
    max_extra: int,
) -> None:
    """Move source and target of one seam, where there is one and what comes out is a path."""
    runs = Runs(starts, ends)
    rows = np.flatnonzero(runs.counts > 1)
    if not rows.size:
        return
    seam = rng.integers(runs.counts[rows] - 1)
    by = rng.integers(-_NUDGE, _NUDGE + 1, size=(2, len(rows)))
    source, target = ends[rows, seam] + by[0], starts[rows, seam + 1] + by[1]
    longer = runs.lengths[rows] + by[0] - by[1]
    good = (source >= starts[rows, seam]) & (target <= ends[rows, seam + 1])
    good &= (target >= 0) & (target != source + 1) & (source < n_layers)
    good &= longer <= n_layers + max_extra
    ends[rows[good], seam[good]] = source[good]
    starts[rows[good], seam[good] + 1] = target[good]


def _move(
    rng: np.random.Generator,
    starts: npt.NDArray[np.int16],
    ends: npt.NDArray[np.int16],
    rows: Index,
    n_layers: int,
    max_extra: int,
) -> None:
    """One more repeat or skip on each of ``rows``, in place."""
    runs = Runs(starts, ends)[rows]
    lengths = runs.lengths
    at = rng.integers(lengths)
    spans = np.where(runs.starts != PAD, runs.ends - runs.starts + 1, 0)
    reach = np.cumsum(spans, axis=1)
    run = (reach <= at[:, None]).sum(axis=1)
    every = np.arange(len(rows))
    source = (runs.ends[every, run] - (reach[every, run] - 1 - at)).astype(np.int64)
    room = n_layers + max_extra - lengths
    # What is left out lies within the run, and its last layer stays.
    can_skip = np.minimum(runs.ends[every, run] - source - 1, max(1, n_layers // 8))
    skips = (can_skip > 0) & ((rng.random(len(rows)) < _SKIPS) | (room < 1))
    can_repeat = np.minimum(source + 1, room)
    size = 1 + np.floor(
        rng.random(len(rows)) * np.where(skips, can_skip, np.maximum(can_repeat, 1))
    ).astype(np.int64)
    target = np.where(skips, source + 1 + size, source + 1 - size)
    times = np.where(skips, 1, rng.choice(len(_TIMES), size=len(rows), p=_TIMES) + 1)
    times = np.where(skips, 1, np.minimum(times, room // size))
    for once in range(len(_TIMES)):
        now = times > once
        _cut(starts, ends, rows[now], run[now] + once, source[now], target[now])


def _cut(
    starts: npt.NDArray[np.int16],
    ends: npt.NDArray[np.int16],
    rows: Index,
    run: Index,
    source: Index,
    target: Index,
) -> None:
    """Run ``[s, e]`` becomes ``[s, source]`` and ``[target, e]``, in place."""
    column = np.arange(starts.shape[1])
    run = run[:, None]
    old_starts, old_ends = starts[rows], ends[rows]
    starts[rows] = np.where(
        column <= run,
        old_starts,
        np.where(column == run + 1, target[:, None], np.roll(old_starts, 1, axis=1)),
    )
    ends[rows] = np.where(
        column < run,
        old_ends,
        np.where(column == run, source[:, None], np.roll(old_ends, 1, axis=1)),
    )
