"""Ways to measure what a treatment gave a base, each with the error that its items leave.

A gain in points is small for a base that starts near the ceiling. Two other scales allow for it:
the share of the headroom that was gained, and the difference of log odds. In both a base that
starts low by luck would gain by luck, so that their ``before`` comes from half A of the items and
the outcome from half B (:mod:`workbench.study.scores.halves`).
"""

from __future__ import annotations

import numpy as np

from workbench.compare.mixed.levels import Array

#: With less headroom, the share of it that was gained says nothing.
LEAST_HEADROOM = 0.05
#: Items assumed where their number is not known: log odds of 0 and 1 stay finite.
UNKNOWN_ITEMS = 1000


def headroom_gain(before: Array, after: Array, before_a: Array) -> Array:
    """The share of the headroom that was gained: (after - before) / (1 - before_a).

    NaN where the headroom is below ``LEAST_HEADROOM``.
    """
    room = 1 - before_a
    return np.where(
        room >= LEAST_HEADROOM, (after - before) / np.maximum(room, LEAST_HEADROOM), np.nan
    )


def headroom_error(gain: Array, before_a: Array, se_gain: Array, se_before_a: Array) -> Array:
    """Its standard error by the delta method, the two halves being independent."""
    room = np.maximum(1 - before_a, LEAST_HEADROOM)
    return np.asarray(np.hypot(se_gain / room, gain * se_before_a / room**2))


def log_odds(score: Array, n: Array) -> Array:
    """The empirical logit, log((x + 1/2) / (n - x + 1/2)) with x = score n right of n items.

    Haldane (1956), Ann. Hum. Genet. 20, 309-311; Anscombe (1956), Biometrika 43, 461-464. ``n`` NaN
    counts as ``UNKNOWN_ITEMS``.
    """
    items = np.where(np.isnan(n), UNKNOWN_ITEMS, n)
    right = np.clip(score, 0, 1) * items
    return np.asarray(np.log((right + 0.5) / (items - right + 0.5)))


def log_odds_error(score: Array, n: Array, se: Array) -> Array:
    """The empirical logit's standard error by the delta method, from the score's own ``se``."""
    items = np.where(np.isnan(n), UNKNOWN_ITEMS, n)
    right = np.clip(score, 0, 1) * items
    slope = items / (right + 0.5) + items / (items - right + 0.5)
    return np.asarray(slope * se)
