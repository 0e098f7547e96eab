"""The measurements of one probe: a score for every path, item and metric, with holes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.relayer.path import Path
from workbench.scan.judge.combine import Flags, Floats


@dataclass(frozen=True)
class ProbeScores:
    """What one probe measured on one set of items.

    ``scores[metric]`` is ``[paths, items]``, more is better, NaN where the path overflowed.
    ``measured`` (same shape) is False where a pair was never run, because racing dropped the path
    before; scores there are not looked at. ``metric`` is the primary one, the only one that paths
    are judged by. ``floors`` holds the score of a trivial answer by metric. An item that two probes
    share, under one id, counts as one item when their gains are combined.
    """

    name: str
    metric: str
    metrics: tuple[str, ...]
    needs_generation: bool
    floors: Mapping[str, float]
    paths: Sequence[Path]
    items: Sequence[str]
    scores: Mapping[str, Floats]
    measured: Flags

    def __post_init__(self) -> None:
        shape = (len(self.paths), len(self.items))
        for what, values in {**self.scores, "measured": self.measured}.items():
            if np.shape(values) != shape:
                raise ValueError(f"{self.name}: {what} has shape {np.shape(values)}, not {shape}")
        if self.metric not in self.scores:
            raise ValueError(f"{self.name}: no scores for its metric {self.metric}")

    @cached_property
    def overflowed(self) -> Flags:
        """``[paths, items]``: measured, and no finite score came out."""
        flags: Flags = self.measured & ~np.isfinite(self.scores[self.metric])
        return flags

    @cached_property
    def filled(self) -> Floats:
        """The primary scores, every overflow taken as the worst score that any path got there.

        A path that overflows is thus judged on all of its items, as badly as the item allows. Where
        fewer than two paths got a score on the item, how bad it can be is not known from it, and
        the worst score on any item stands in. NaN is left where the whole probe overflowed, and
        where nothing was measured.
        """
        values = self.scores[self.metric]
        seen = self.measured & np.isfinite(values)
        worst = np.where(seen, values, np.inf).min(axis=0, initial=np.inf)
        lowest = worst.min(initial=np.inf)
        lowest = lowest if np.isfinite(lowest) else np.nan
        worst = np.where(seen.sum(axis=0) > 1, worst, lowest)
        return np.where(seen, values, np.where(self.measured, worst[None, :], np.nan))

    @cached_property
    def span(self) -> float:
        """From the worst to the best score of any path on any item; 0.0 where all are equal."""
        values = self.filled[np.isfinite(self.filled)]
        return float(np.ptp(values)) if values.size else 0.0

    @cached_property
    def right_or_wrong(self) -> bool:
        """Whether every score is 0 or 1."""
        values = self.filled[np.isfinite(self.filled)]
        return bool(np.all((values == 0) | (values == 1)))

    def differences(self, base: int) -> tuple[Floats, Flags]:
        """Score less that of the path in row ``base``, and which pairs both have: 0.0 elsewhere."""
        filled, reference = self.filled, self.filled[base]
        both: Flags = np.isfinite(filled) & np.isfinite(reference)[None, :]
        differences = np.where(both, filled - np.where(np.isfinite(reference), reference, 0.0), 0.0)
        return differences, both


def overflow_counts(probes: Sequence[ProbeScores]) -> np.ndarray:
    """``[paths]``: on how many items each path overflowed, over all probes."""
    return np.sum([probe.overflowed.sum(axis=1) for probe in probes], axis=0)


def raced_out(probes: Sequence[ProbeScores], base: int) -> Flags:
    """``[paths]``: measured on fewer items than the base was, on some probe."""
    short = [probe.measured.sum(axis=1) < probe.measured[base].sum() for probe in probes]
    flags: Flags = np.any(short, axis=0)
    return flags
