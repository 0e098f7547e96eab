"""Every block (i, j): the exhaustive scan, N(N+1)/2 + 1 paths with the base."""

from __future__ import annotations

from workbench.relayer.path import Path
from workbench.scan import grid
from workbench.scan.config import BlocksConfig
from workbench.scan.search.meter import Meter


def paths_of(config: BlocksConfig, n_layers: int) -> list[Path]:
    """The base, then the path of every block that adds ``max_extra`` layers at most."""
    most = config.max_extra if config.max_extra is not None else n_layers
    return [grid.layers((i, j), n_layers) for i, j in grid.blocks(n_layers) if j - i <= most]


def search(meter: Meter, config: BlocksConfig) -> list[Path]:
    """Measure them all; returns them, the base first. Nothing in it is random."""
    paths = paths_of(config, meter.n_layers)
    meter.measure(paths, label="blocks")
    return paths
