"""All single-block layer paths of a model, in David Noel Ng's numbering.

Block (i, j), 0 <= i < j <= N, runs layers 0 … j-1 and then i … N-1, so that layers i … j-1 run
twice; (0, 0) is the base. A model of N layers has N(N+1)/2 + 1 of them: 3,241 for Qwen2-72B's 80.
"""

from __future__ import annotations

from collections.abc import Iterator

BASE = (0, 0)

Block = tuple[int, int]


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


def layers(block: Block, n_layers: int) -> tuple[int, ...]:
    """The layer path of a block: 0 … j-1, then i … N-1."""
    i, j = block
    if block != BASE and not 0 <= i < j <= n_layers:
        raise ValueError(f"block {block} does not lie in a model of {n_layers} layers")
    return (*range(j), *range(i, n_layers))


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
