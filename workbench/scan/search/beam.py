"""Paths of several blocks: the best few extended by the best single blocks, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.relayer.path import MAX_VISITS, Block, Path
from workbench.scan import grid
from workbench.scan.config import BeamConfig
from workbench.scan.search.meter import Floats, Meter, best_first, standings


def extensions(path: Path, block: Block) -> list[Path]:
    """Every path that putting ``block`` (i, j) into ``path`` can mean, without repeats.

    Layers i … j-1 follow a visit to layer j-1: the last one, as
    :func:`workbench.relayer.path.insert_blocks` reads it, or an earlier one. Or a whole stretch of
    the path is run again, from a visit to layer i to a later visit to layer j-1 with all that is
    repeated in between: on AAB, where A = (i, k) and B = (k, j), block (i, j) is read as AABAB
    and as AABAAB.
    """
    i, j = block
    ends = [at + 1 for at, layer in enumerate(path) if layer == j - 1]
    starts = [at for at, layer in enumerate(path) if layer == i]
    inserted = [(end, tuple(range(i, j))) for end in reversed(ends)]
    inserted += [(end, path[start:end]) for end in ends for start in starts if start < end]
    return list(dict.fromkeys((*path[:at], *layers, *path[at:]) for at, layers in inserted))


def search(meter: Meter, config: BeamConfig, *, measured: Sequence[Path]) -> list[Path]:
    """Measure paths of 2 to ``config.blocks`` blocks; returns all that were measured.

    Starts from the single blocks among ``measured`` that are not too long: the best ``width`` are
    extended, the best ``choices`` are what they are extended with. A step measures ``width`` x
    ``choices`` paths, in every reading of :func:`extensions`, and its best ``width`` go on. Nothing
    in it is random: equal paths are ranked by length, then by layers.
    """
    n_layers = meter.n_layers
    longest = MAX_VISITS if config.max_extra is None else n_layers + config.max_extra
    singles = [
        path
        for path in dict.fromkeys(measured)
        if len(path) <= longest and grid.block_of(path, n_layers)
    ]
    # One list for all steps: the unit in which probes are combined is the spread over it.
    known = list(dict.fromkeys(measured))
    have = set(known)
    ranked = best_first(singles, _of(singles, known, meter))
    choices = [
        block for path in ranked[: config.choices] if (block := grid.block_of(path, n_layers))
    ]
    beam = ranked[: config.width]
    found: list[Path] = []
    for step in range(2, config.blocks + 1):
        grown = dict.fromkeys(
            longer
            for path in beam
            for block in choices
            for longer in extensions(path, block)
            if len(longer) <= longest
        )
        # What another search has measured costs nothing, and may go on like the others.
        new = [path for path in grown if path not in have]
        if new:
            meter.measure(new, label=f"beam, {step} blocks")
        have.update(new)
        known += new
        found += new
        beam = best_first(list(grown), _of(list(grown), known, meter))[: config.width]
    return found


def _of(paths: Sequence[Path], known: Sequence[Path], meter: Meter) -> Floats:
    """The standings of some of the known paths, judged among all of them."""
    at = {path: row for row, path in enumerate(known)}
    return standings(meter, known)[[at[path] for path in paths]]
