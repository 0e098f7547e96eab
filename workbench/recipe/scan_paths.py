"""How many layer paths a scan will measure, and how many layer passes they cost an item.

Exact for blocks and repeats, whose paths are known beforehand; for beam and surrogate, which choose
theirs as they go, by constants that were counted on simulated landscapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.scan.config import (
    BlocksConfig,
    RacingConfig,
    RepeatsConfig,
    ScanConfig,
    SearchConfig,
)

#: Ways to read "this path with that block in it" for each further block, and layer passes a path
#: of b blocks adds to the trie in units of the model's depth, counted for 12 to 40 layers.
_READINGS = 2.4
_PASSES_FIRST, _PASSES_A_BLOCK = 0.27, 0.18
#: How much longer a path of the beam gets with each block, in units of the model's depth.
_LONGER_A_BLOCK = 0.55
#: Length of the surrogate's paths, which share little with each other, in the same units.
_SURROGATE_LONGER = 0.3


@dataclass(frozen=True)
class Count:
    """``paths`` of one search: ``passes`` an item where they share what they can, ``visits`` alone.

    Blocks are counted with the base.
    """

    search: str
    paths: int
    passes: int
    visits: int


def counts(config: SearchConfig, layers: int) -> list[Count]:
    """What each search of ``config`` measures on a model of so many layers."""
    found = [
        _blocks(config.blocks, layers)
        if config.blocks is not None
        else Count("base", 1, layers, layers)
    ]
    if config.repeats is not None:
        found.append(_repeats(config.repeats, layers, after_blocks=config.blocks is not None))
    singles = found[0].paths - 1
    if config.beam is not None and singles:
        beam = config.beam
        width, choices = min(beam.width, singles), min(beam.choices, singles)
        for blocks in range(2, beam.blocks + 1):
            paths = math.ceil(width * choices * _READINGS ** (blocks - 1))
            longer = _LONGER_A_BLOCK * blocks * layers
            longer = longer if beam.max_extra is None else min(longer, beam.max_extra)
            passes = paths * (_PASSES_FIRST + _PASSES_A_BLOCK * blocks) * layers
            found.append(Count("beam", paths, round(passes), round(paths * (layers + longer))))
    if config.surrogate is not None and singles:
        paths = config.surrogate.measure * config.surrogate.rounds
        longer = _SURROGATE_LONGER * layers
        if config.surrogate.max_extra is not None:
            longer = min(longer, config.surrogate.max_extra)
        found.append(Count("surrogate", paths, paths * layers, round(paths * (layers + longer))))
    return [each for each in found if each.paths]


def share_measured(racing: RacingConfig | None, items: int) -> float:
    """The share of all pairs of path and item that a race measures, where ``keep`` alone drops.

    Rungs of ``first``, twice, four times … as many items; after each a ``keep`` of the paths goes
    on. Paths that are clearly behind drop out earlier still, which is not counted.
    """
    if racing is None or items <= racing.first:
        return 1.0
    measured, before, size, alive = 0.0, 0, racing.first, 1.0
    while True:
        size = min(size, items)
        measured += alive * (size - before)
        if size == items:
            return measured / items
        before, size, alive = size, 2 * size, alive * racing.keep


def re_measured(config: ScanConfig) -> int:
    """Paths measured on the held-out items: the base, the winners and some of the Pareto front."""
    return 1 + math.ceil(1.5 * config.winners)


def _blocks(config: BlocksConfig, layers: int) -> Count:
    """Path (i, j) joins the base before layer i, and so costs N - i passes beside the base's N."""
    most = min(config.max_extra or layers, layers)
    paths, passes, visits = 1, layers, layers
    for i in range(layers):
        blocks = min(most, layers - i)
        paths += blocks
        passes += blocks * (layers - i)
        visits += blocks * layers + blocks * (blocks + 1) // 2
    return Count("blocks", paths, passes, visits)


def _repeats(config: RepeatsConfig, layers: int, *, after_blocks: bool) -> Count:
    """Layer k run t times: the repeats are shared by all t, what follows layer k is not.

    Twice is block (k, k+1), measured already where there are blocks.
    """
    times = sorted({t for t in config.times if not (after_blocks and t == 2)})
    if not times:
        return Count("repeats", 0, 0, 0)
    passes = layers + sum(times[-1] - 1 + len(times) * (layers - 1 - k) for k in range(layers))
    visits = sum(layers * (layers + t - 1) for t in times)
    return Count("repeats", layers * len(times), passes, visits)
