"""Whether the cheap way of asking a probe ranks paths as the dear one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.compare.ranks import rank_agreement
from workbench.scan.config import ProbeConfig
from workbench.scan.judge.measured import ProbeScores


def agreement(
    configs: Sequence[ProbeConfig], searched: Sequence[ProbeScores]
) -> dict[str, Any] | None:
    """Spearman's correlation over all paths between the two ways that one probe was asked in.

    The forward-only way is ``a``, where one is; ``metrics`` holds the same for each of its metrics
    against the other's primary one. ``None`` where no probe was asked twice.
    """
    by_name = {probe.name: probe for probe in searched}
    for number, first in enumerate(configs):
        for second in configs[number + 1 :]:
            if first.name == second.name:
                pair = (by_name[first.called], by_name[second.called])
                return _of(*sorted(pair, key=lambda probe: probe.needs_generation))
    return None


def _of(a: ProbeScores, b: ProbeScores) -> dict[str, Any]:
    others = b.filled.mean(axis=1)
    metrics = {}
    for metric in a.metrics:
        values = np.where(a.measured, a.scores[metric], np.nan)
        found = rank_agreement(values.mean(axis=1), others)
        metrics[metric] = {"spearman": found.spearman, "ci95": found.ci95, "n": found.n}
    return {"a": a.name, "b": b.name, **metrics[a.metric], "metrics": metrics}
