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


def block_of(path: Path, n_layers: int) -> grid.Block | None:
    """The block (i, j) whose path this is; None for the base and for every other path."""
    extra = len(path) - n_layers
    if extra < 1:
        return None
    # 0 … j-1 then i … N-1: the first visit that does not go on is to i, at position j.
    j = next((at for at, layer in enumerate(path) if layer != at), len(path))
    block = (j - extra, j)
    if not 0 <= block[0] < j <= n_layers or grid.layers(block, n_layers) != path:
        return None
    return block


def search(meter: Meter, config: BlocksConfig, *, seed: int) -> list[Path]:
    """Measure them all; returns them, the base first. Nothing in it is random."""
    paths = paths_of(config, meter.n_layers)
    meter.measure(paths, label="blocks")
    return paths
