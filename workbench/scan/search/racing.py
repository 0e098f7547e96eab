"""Successive halving over items: hopeless paths are dropped before they cost all items.

Rungs of ``first``, 2 ``first``, 4 ``first`` … items. After each, a path is dropped when

- it overflowed on an item;
- the upper end of the interval of its gain over the base, paired by item, lies below the lower end
  of the leader's. (Half-widths add up to more than that of the paired difference between the two,
  so that the interval of the difference excludes 0 as well.) Few items may agree by chance, so no
  interval is narrower than one with the average path's variance;
- more than ``keep`` of the rung's paths would go on, and it is among the worst.

Jamieson and Talwalkar (2016), "Non-stochastic best arm identification", for the halving; Maron and
Moore (1994), "Hoeffding races", for the intervals, here Student's. The base is never dropped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluate.intervals import t_quantile
from workbench.relayer.path import Path
from workbench.scan.config import RacingConfig
from workbench.scan.judge.combine import combined, mean_gains, spread
from workbench.scan.search.meter import Flags, Floats, Meter


@dataclass(frozen=True)
class Rung:
    """How many paths were measured on ``items`` items, and why some went no further."""

    items: int
    paths: int
    overflowed: int
    behind: int
    halved: int


@dataclass(frozen=True)
class RaceResult:
    """What a race measured.

    ``items[a]`` items of each probe (or all, where it has fewer) were measured on ``paths[a]``;
    ``total`` is what the probe with most items has.
    ``scores`` holds, by probe, ``[paths, all items]`` with NaN for what was not measured. Counts
    are of pairs of path and item: ``measured`` of ``full``.
    """

    paths: list[Path]
    items: np.ndarray
    scores: dict[str, Floats]
    rungs: list[Rung]
    total: int
    measured: int
    full: int

    @property
    def saved(self) -> int:
        """Pairs that were not measured."""
        return self.full - self.measured

    @property
    def kept(self) -> list[Path]:
        """The paths that stayed to the end, with all items."""
        return [p for p, n in zip(self.paths, self.items, strict=True) if n == self.total]


def race(
    meter: Meter,
    paths: Sequence[Path],
    config: RacingConfig,
    *,
    seed: int,
    base_path: Path,
    label: str = "",
) -> RaceResult:
    """Race ``paths`` against each other; equal ones at the edge of ``keep`` are drawn by ``seed``.

    The base is measured on all items, whether or not it is among ``paths``.
    """
    entered = list(dict.fromkeys(paths))
    base = {probe: row[0] for probe, row in meter.measure([base_path]).items()}
    total = max(len(row) for row in base.values())
    lots = _lots(entered, seed)
    is_base = np.array([path == base_path for path in entered], dtype=bool)
    reached = np.zeros(len(entered), dtype=np.int64)
    scores = {probe: np.full((len(entered), len(row)), np.nan) for probe, row in base.items()}
    alive, rungs = np.arange(len(entered)), []
    for size in _sizes(config.first, total):
        if not len(alive):
            break
        step = meter.measure([entered[a] for a in alive], min(size, total), f"{label} race".strip())
        for probe, values in step.items():
            scores[probe][alive, : values.shape[1]] = values
        reached[alive] = size
        if size >= total:
            rungs.append(Rung(size, len(alive), 0, 0, 0))
            break
        overflowed, behind, halved = _drop(step, base, config, lots[alive], is_base[alive])
        rungs.append(
            Rung(size, len(alive), int(overflowed.sum()), int(behind.sum()), int(halved.sum()))
        )
        alive = alive[~(overflowed | behind | halved)]
    widths = [len(row) for row in base.values()]
    measured = sum(int(np.minimum(reached, width).sum()) for width in widths)
    return RaceResult(entered, reached, scores, rungs, total, measured, len(entered) * sum(widths))


class Racing:
    """A :class:`Meter` that races the paths it is asked for, and leaves NaN where it stopped.

    A path is raced once: asked for again, it stays as far as it came. The best path so far takes
    part in each later race, so that new paths are judged against it. Asked for a number of items,
    it measures just those.
    """

    def __init__(self, meter: Meter, config: RacingConfig, *, seed: int, base_path: Path) -> None:
        self.n_layers = meter.n_layers
        self.races: list[RaceResult] = []
        self._meter = meter
        self._config = config
        self._seed = seed
        self._base_path = base_path
        self._reached: dict[Path, int] = {}
        self._leader: Path | None = None
        self._widths: list[int] = []

    @property
    def raced_out(self) -> dict[Path, int]:
        """The paths that were dropped, and on how many items of each probe they were measured."""
        return {path: n for path, n in self._reached.items() if n < max(self._widths, default=0)}

    @property
    def saved(self) -> int:
        """Pairs of path and item that were not measured, so far."""
        return sum(max(0, width - n) for n in self._reached.values() for width in self._widths)

    def measure(
        self, paths: Sequence[Path], items: int | None = None, label: str = ""
    ) -> dict[str, Floats]:
        """As :meth:`Meter.measure`; NaN also where a race dropped the path before that item."""
        if items is not None:
            return self._meter.measure(paths, items, label)
        new = [p for p in dict.fromkeys(paths) if p not in self._reached and p != self._base_path]
        if new:
            self._race(new, label)
        base = self._meter.measure([self._base_path])
        whole = {probe: np.full((len(paths), row.shape[1]), np.nan) for probe, row in base.items()}
        reached = np.array([self._reached.get(path, -1) for path in paths], dtype=np.int64)
        for size in np.unique(reached):
            rows = np.flatnonzero(reached == size).tolist()
            part = self._meter.measure(
                [paths[row] for row in rows], int(size) if size >= 0 else None, label
            )
            for probe, values in part.items():
                whole[probe][rows, : values.shape[1]] = values
        return whole

    def _race(self, new: list[Path], label: str) -> None:
        entered = new if self._leader is None else [*new, self._leader]
        result = race(
            self._meter,
            entered,
            self._config,
            seed=self._seed,
            base_path=self._base_path,
            label=label,
        )
        self.races.append(result)
        self._widths = [values.shape[1] for values in result.scores.values()]
        self._reached.update(zip(new, result.items[: len(new)].tolist(), strict=True))
        kept = result.kept
        if kept:
            standing = combined(
                self._meter.measure(kept),
                {probe: row[0] for probe, row in self._meter.measure([self._base_path]).items()},
            )
            self._leader = kept[int(np.argmax(standing))]


def _sizes(first: int, total: int) -> list[int]:
    sizes = [first]
    while sizes[-1] < total:
        sizes.append(2 * sizes[-1])
    return [*sizes[:-1], total]


def _lots(paths: Sequence[Path], seed: int) -> Floats:
    """A number drawn for each path, whatever order they are listed in."""
    order = sorted(range(len(paths)), key=lambda at: (len(paths[at]), paths[at]))
    lots = np.empty(len(paths))
    lots[order] = np.random.default_rng(seed).random(len(paths))
    return lots


def _drop(
    scores: Mapping[str, Floats],
    base: Mapping[str, Floats],
    config: RacingConfig,
    lots: Floats,
    is_base: Flags,
) -> tuple[Flags, Flags, Flags]:
    """Which of a rung's paths overflowed, which are behind the leader, which fall to ``keep``."""
    none = np.zeros(len(lots), dtype=bool)
    if any(np.isnan(base[probe][: values.shape[1]]).all() for probe, values in scores.items()):
        # Nothing to pair with: a base that cannot answer drops no path.
        return none, none, none
    start = {probe: base[probe][: values.shape[1]] for probe, values in scores.items()}
    standing = combined(scores, start)
    overflowed = np.isneginf(standing) & ~is_base
    half = _half_widths(scores, start, config.confidence)
    leader = int(np.argmax(standing))
    behind = (standing + half < standing[leader] - half[leader]) & ~overflowed & ~is_base
    left = np.flatnonzero(~overflowed & ~behind & ~is_base)
    allowed = math.ceil(config.keep * int((~is_base).sum()))
    halved = np.zeros(len(standing), dtype=bool)
    halved[left[np.lexsort((lots[left], -standing[left]))][allowed:]] = True
    return overflowed, behind, halved


def _half_widths(
    scores: Mapping[str, Floats], base: Mapping[str, Floats], confidence: float
) -> Floats:
    """Half the width of the interval of every path's combined gain, ``[paths]``.

    The combined gain is a mean over P probes of mean gains in units u; items are independent, so
    its variance is the sum of s²/(n u²) over P². Student's t with the freedom of the smallest
    probe. Infinite where one item alone was measured.
    """
    variance, smallest = np.zeros(len(next(iter(scores.values())))), math.inf
    for probe, values in scores.items():
        judged = np.isfinite(base[probe])
        n = int(judged.sum())
        unit = spread(mean_gains(values, base[probe]))
        if n == 0 or unit == 0.0:
            continue
        smallest = min(smallest, n)
        if n == 1:
            return np.full(len(values), np.inf)
        own = np.var(values[:, judged] - base[probe][judged], axis=1, ddof=1)
        finite = np.isfinite(own)
        pooled = float(own[finite].mean()) if finite.any() else 0.0
        variance += np.maximum(np.where(finite, own, pooled), pooled) / (n * unit**2)
    if math.isinf(smallest):
        return np.full(len(variance), np.inf)
    return t_quantile(smallest - 1, confidence) * np.sqrt(variance) / len(scores)
