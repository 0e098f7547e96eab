"""The winner's curse: how much of the best path's gain is luck on the items it was chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluate.intervals import Interval, normal_quantile, t_quantile
from workbench.scan.judge.combine import Flags, Floats
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.pooled import columns

SPLITS = 400
CHOOSING = 0.8


@dataclass(frozen=True)
class Curse:
    """By how much the best of ``of`` paths is expected to be overrated, in SDs of the map."""

    expected: float
    ci95: Interval
    of: int


@dataclass(frozen=True)
class Shrinkage:
    """A gain on search items and on held-out items, and their difference, in SDs of the map.

    ``ratio`` is held-out over search: 1.0 when nothing was lost; None where the search gain is not
    above 0, and there was nothing to lose.
    """

    search: float
    held_out: float
    difference: float
    ci95: Interval
    ratio: float | None


def winners_curse(
    probes: Sequence[ProbeScores],
    units: Sequence[float],
    base: int,
    candidates: Flags,
    *,
    seed: int,
    splits: int = SPLITS,
) -> Curse | None:
    """The expected optimism of picking the best of ``candidates`` on these items.

    The best is chosen on a random 80% of each probe's items, its gain there compared with its gain
    on the other 20%, and the difference averaged over ``splits``. As luck shrinks with the root of
    the number of items, it is then multiplied by ``sqrt(0.8)``, to speak of a choice on all of
    them. The interval is Nadeau and Bengio's (2003, Machine Learning 52, 239-281), which allows for
    splits having items in common.

    Returns None where there is no choice, or too few items to divide: two candidates and two items
    a probe are the least.
    """
    used = [(p, 1 / u / len(units)) for p, u in zip(probes, units, strict=True) if u > 0]
    rows = np.flatnonzero(candidates)
    if not used or len(rows) < 2 or any(len(p.items) < 2 for p, _ in used):
        return None
    places, width = columns([p for p, _ in used])
    keys = np.random.default_rng([seed, 1]).random((splits, width))
    inside, outside = np.zeros((splits, len(rows))), np.zeros((splits, len(rows)))
    fractions = []
    for (probe, weight), place in zip(used, places, strict=True):
        count = len(place)
        chosen = min(max(round(CHOOSING * count), 1), count - 1)
        fractions.append(chosen / count)
        # By shared random keys, so that an item two probes have falls on one side in both.
        take = keys[:, place].argsort(axis=1).argsort(axis=1) < chosen
        differences, both = probe.differences(base)
        inside += weight * _means(differences[rows], both[rows], take)
        outside += weight * _means(differences[rows], both[rows], ~take)
    best = inside.argmax(axis=1)
    apart = inside - outside
    # Whatever path is looked at, the two sides differ by 0 on average; what all paths share (the
    # base's own luck above all) is no part of the choice's luck, and taking it away is less noise.
    luck = apart[np.arange(splits), best] - apart.mean(axis=1)
    fraction = float(np.mean(fractions))
    scale = np.sqrt(fraction)
    error = luck.std(ddof=1) * np.sqrt(1 / splits + (1 - fraction) / fraction)
    expected, reach = float(luck.mean() * scale), float(t_quantile(splits - 1) * error * scale)
    return Curse(expected, (expected - reach, expected + reach), len(rows))


def _means(differences: Floats, both: Flags, take: Flags) -> Floats:
    """``[splits, paths]``: each path's mean difference over the items that a split takes."""
    flags = take.astype(float)
    counts = flags @ both.T.astype(float)
    means: Floats = flags @ differences.T / np.maximum(counts, 1.0)
    return means


def shrinkage(
    search: float, search_error: float, held_out: float, held_out_error: float
) -> Shrinkage:
    """What a gain lost from search to held-out items; the two sets are disjoint, so errors add.

    The search gain of a path that was chosen for it is too high by the winner's curse; the interval
    is for what was lost, luck included.
    """
    reach = normal_quantile() * float(np.hypot(search_error, held_out_error))
    lost = search - held_out
    ratio = held_out / search if search > 0 else None
    return Shrinkage(search, held_out, lost, (lost - reach, lost + reach), ratio)
