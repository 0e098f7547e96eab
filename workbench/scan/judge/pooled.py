"""The items of several probes put side by side, so that paths can be judged on all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.scan.judge.combine import Floats
from workbench.scan.judge.measured import ProbeScores


def columns(probes: Sequence[ProbeScores]) -> tuple[list[np.ndarray], int]:
    """For each probe the column of each of its items, and how many columns there are.

    Items of one id share a column: they are one draw, and what is random about them goes together.
    """
    place: dict[str, int] = {}
    found = [
        np.array([place.setdefault(item, len(place)) for item in probe.items], dtype=int)
        for probe in probes
    ]
    return found, len(place)


def share_items(probes: Sequence[ProbeScores]) -> bool:
    """Whether any two probes have an item in common."""
    return columns(probes)[1] < sum(len(probe.items) for probe in probes)


def influence(
    probes: Sequence[ProbeScores], base: int, weights: Sequence[float] | Floats
) -> Floats:
    """What each item adds to each path's combined gain, ``[paths, columns]``; rows sum to it."""
    places, width = columns(probes)
    total = np.zeros((len(probes[0].paths), width))
    for probe, place, weight in zip(probes, places, weights, strict=True):
        differences, both = probe.differences(base)
        total[:, place] += weight * differences / np.maximum(both.sum(axis=1), 1)[:, None]
    return total


def covariance(
    probes: Sequence[ProbeScores], base: int, weights: Sequence[float] | Floats
) -> Floats:
    """What sharing items adds to the variance of each path's combined gain, ``[paths]``."""
    if not share_items(probes):
        return np.zeros(len(probes[0].paths))
    together, apart = deviations(probes, base, weights)
    result: Floats = (together**2).sum(axis=1) - apart
    return result


def deviations(
    probes: Sequence[ProbeScores], base: int, weights: Sequence[float] | Floats
) -> tuple[Floats, Floats]:
    """Each item's deviation in a path's combined gain, ``[paths, columns]``.

    A row's sum of squares is the variance of the combined gain; the second array, ``[paths]``, is
    what that would be if no item were shared.
    """
    places, width = columns(probes)
    paths = len(probes[0].paths)
    together, apart = np.zeros((paths, width)), np.zeros(paths)
    for probe, place, weight in zip(probes, places, weights, strict=True):
        differences, both = probe.differences(base)
        n = np.maximum(both.sum(axis=1), 1)[:, None]
        centred = np.where(both, differences - differences.sum(axis=1, keepdims=True) / n, 0.0)
        centred *= weight / np.sqrt(n * np.maximum(n - 1.0, 1.0))
        together[:, place] += centred
        apart += (centred**2).sum(axis=1)
    return together, apart
