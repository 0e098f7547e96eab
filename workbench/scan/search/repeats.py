"""Single layers run several times in a row."""

from __future__ import annotations

from workbench.relayer.path import Path
from workbench.scan.config import RepeatsConfig
from workbench.scan.search.meter import Meter


def repeated(layer: int, times: int, n_layers: int) -> Path:
    """The path on which ``layer`` runs ``times`` times in all; 2 is block (layer, layer + 1)."""
    return (*range(layer), *[layer] * times, *range(layer + 1, n_layers))


def paths_of(config: RepeatsConfig, n_layers: int) -> list[Path]:
    """Every layer at every number of times, few times first."""
    return [
        repeated(layer, times, n_layers)
        for times in sorted(set(config.times))
        for layer in range(n_layers)
    ]


def repeat_of(path: Path, n_layers: int) -> tuple[int, int] | None:
    """``(layer, times)`` of a path that repeats one layer in a row and changes nothing else."""
    times = len(path) - n_layers + 1
    if times < 2:
        return None
    layer = next((at - 1 for at, visited in enumerate(path) if visited != at), len(path))
    if not 0 <= layer < n_layers or repeated(layer, times, n_layers) != path:
        return None
    return layer, times


def search(meter: Meter, config: RepeatsConfig, *, seed: int) -> list[Path]:
    """Measure them all; returns them. Nothing in it is random."""
    paths = paths_of(config, meter.n_layers)
    meter.measure(paths, label="repeats")
    return paths
