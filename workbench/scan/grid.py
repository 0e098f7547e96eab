"""Layer paths with a name: single blocks, in David Noel Ng's numbering, and repeated layers.

Block (i, j), 0 <= i < j <= N, runs layers 0 … j-1 and then i … N-1, so that layers i … j-1 run
twice; (0, 0) is the base. A model of N layers has N(N+1)/2 + 1 of them: 3,241 for Qwen2-72B's 80.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.relayer.path import Block, Path

BASE = (0, 0)


def count(n_layers: int) -> int:
    """How many blocks a full scan measures, the base included."""
    _check(n_layers)
    return n_layers * (n_layers + 1) // 2 + 1


def blocks(n_layers: int) -> Iterator[Block]:
    """The base, then every block by the layer i it goes back to, short ones first."""
    _check(n_layers)
    yield BASE
    for i in range(n_layers):
        for j in range(i + 1, n_layers + 1):
            yield (i, j)


def layers(block: Block, n_layers: int) -> Path:
    """The layer path of a block: 0 … j-1, then i … N-1."""
    i, j = block
    if block != BASE and not 0 <= i < j <= n_layers:
        raise ValueError(f"block {block} does not lie in a model of {n_layers} layers")
    return (*range(j), *range(i, n_layers))


def block_of(path: Path, n_layers: int) -> Block | None:
    """The block (i, j) whose path this is; None for the base and for every other path."""
    extra = len(path) - n_layers
    if extra < 1:
        return None
    # 0 … j-1 then i … N-1: the first visit that does not go on is to i, at position j.
    j = next((at for at, layer in enumerate(path) if layer != at), len(path))
    block = (j - extra, j)
    if not 0 <= block[0] < j <= n_layers or layers(block, n_layers) != path:
        return None
    return block


def repeated(layer: int, times: int, n_layers: int) -> Path:
    """The path on which ``layer`` runs ``times`` times in all; 2 is block (layer, layer + 1)."""
    return (*range(layer), *[layer] * times, *range(layer + 1, n_layers))


def repeat_of(path: Path, n_layers: int) -> tuple[int, int] | None:
    """``(layer, times)`` of a path that repeats one layer in a row and changes nothing else."""
    times = len(path) - n_layers + 1
    if times < 2:
        return None
    layer = next((at - 1 for at, visited in enumerate(path) if visited != at), len(path))
    if not 0 <= layer < n_layers or repeated(layer, times, n_layers) != path:
        return None
    return layer, times


def layer_passes(n_layers: int, *, shared: bool) -> int:
    """Layer passes that scoring every block costs, an item each.

    Path by path a block costs N + j - i. ``shared`` is the cost when every path starts from the
    base's stored hidden state before layer i, so that a block costs N - i, and the base N.
    """
    if shared:
        return n_layers + sum(n_layers - i for i, _ in _proper(n_layers))
    return n_layers + sum(n_layers + j - i for i, j in _proper(n_layers))


def _proper(n_layers: int) -> Iterator[Block]:
    return (block for block in blocks(n_layers) if block != BASE)


def _check(n_layers: int) -> None:
    if n_layers < 1:
        raise ValueError(f"a model has one layer at least, not {n_layers}")
