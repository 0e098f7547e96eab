"""Single layers run several times in a row."""

from __future__ import annotations

from workbench.relayer.path import Path
from workbench.scan import grid
from workbench.scan.config import RepeatsConfig
from workbench.scan.search.meter import Meter


def paths_of(config: RepeatsConfig, n_layers: int) -> list[Path]:
    """Every layer at every number of times, few times first."""
    return [
        grid.repeated(layer, times, n_layers)
        for times in sorted(set(config.times))
        for layer in range(n_layers)
    ]


def search(meter: Meter, config: RepeatsConfig) -> list[Path]:
    """Measure them all; returns them. Nothing in it is random."""
    paths = paths_of(config, meter.n_layers)
    meter.measure(paths, label="repeats")
    return paths
