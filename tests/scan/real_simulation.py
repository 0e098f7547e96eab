"""Simulated scans whose truth is known: every path's gain is put there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.relayer.path import Path
from workbench.scan import grid
from workbench.scan.judge.measured import ProbeScores

LAYERS = 8


def all_paths(n_layers: int = LAYERS) -> list[Path]:
    """The base and every block: 37 paths of 8 layers."""
    return [grid.layers(block, n_layers) for block in grid.blocks(n_layers)]


def simulate(
    generator: np.random.Generator,
    effects: Sequence[float],
    *,
    items: int,
    right_or_wrong: bool = False,
    name: str = "probe",
    split: str = "search",
    paths: Sequence[Path] | None = None,
) -> ProbeScores:
    """Scores of paths that share their items' difficulty and, in part, their luck.

    ``effects[k]`` moves path k on a latent scale with unit noise; 0 is as good as the base. Half of
    the noise's variance that is not the item's is common to all repeated paths, so that they go
    together against the base, as the paths of one model do.
    """
    paths = all_paths() if paths is None else paths
    shape = (len(paths), items)
    common = generator.normal(size=items) * np.array([0.0] + [1.0] * (len(paths) - 1))[:, None]
    own = generator.normal(size=shape)
    own[0] *= np.sqrt(2)
    latent = generator.normal(size=items) + np.asarray(effects)[:, None] + common + own
    scores = (latent > 0).astype(float) if right_or_wrong else 1 / (1 + np.exp(-latent))
    return ProbeScores(
        name=name,
        metric="score",
        metrics=("score",),
        needs_generation=False,
        floors={},
        paths=list(paths),
        items=[f"{name}-{split}-{k}" for k in range(items)],
        scores={"score": scores},
        measured=np.ones(shape, dtype=bool),
    )


def with_scores(probe: ProbeScores, scores: np.ndarray, measured: np.ndarray) -> ProbeScores:
    """The same probe with other measurements."""
    return replace(probe, scores={probe.metric: scores}, measured=measured)
