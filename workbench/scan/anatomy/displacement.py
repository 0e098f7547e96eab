"""How far a layer, or a block of layers, moves the hidden state when it is run a second time.

|F(F(h)) - F(h)| / |F(h) - h| at a token, F being the layers with their residual connection. Near
0: the second run finds nothing left to do. At 1: it moves the state as far as the first. Above 1:
it drives the state away. It is the contraction quotient of Banach's fixed-point theorem, taken
along F's own step: a block that stays well below 1 can be iterated without leaving the ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.progress import Tick
from workbench.scan.anatomy.corpus import Ids
from workbench.scan.anatomy.states import words
from workbench.scan.schedule.decoder import Decoder

if TYPE_CHECKING:
    import torch

#: Tokens of a text that blocks are run over.
BLOCK_TOKENS = 24
#: The most texts that blocks are run over.
BLOCK_TEXTS = 4


def displacement(before: torch.Tensor, once: torch.Tensor, twice: torch.Tensor) -> float:
    """The median over the tokens of a text of |F(F(h)) - F(h)| / |F(h) - h|, [tokens, D] each.

    The median, because the quotient has no upper end where the first step is short. Tokens that
    the first run leaves exactly where they were are left out; NaN where it leaves all of them, and
    where a state is not finite.
    """
    first, second = (once - before).norm(dim=-1), (twice - once).norm(dim=-1)
    if not bool((first + second).isfinite().all()):
        return float("nan")
    moved = first > 0
    # Not Tensor.median, which is the lower of two middle values.
    return (
        float((second[moved] / first[moved]).quantile(0.5)) if bool(moved.any()) else float("nan")
    )


def most_runs(n_layers: int) -> int:
    """The most blocks (i, j) with i <= k < j that are on their way at any one layer k."""
    return max((k + 1) * (n_layers - k) for k in range(n_layers))


def block_displacement(
    decoder: Decoder,
    ids: Sequence[Ids],
    stack: Sequence[Sequence[torch.Tensor]],
    call_tokens: int,
    tick: Tick,
) -> npt.NDArray[np.float64]:
    """The displacement of every block (i, j), [N+1, N+1]; NaN below and on the diagonal.

    ``ids`` are texts of equal length, ``stack[depth][text]`` their hidden states at each depth. As
    F(h_i) is h_j, only the second run is computed: at layer k, all blocks around it go one layer
    on in one batch, so that each layer is opened once.
    """
    import torch

    n, count = decoder.n_layers, len(ids)
    entry = decoder.enter(torch.tensor(ids, device=decoder.device))
    width = entry.hidden.shape[1]
    values = np.full((n + 1, n + 1), np.nan)
    running: dict[tuple[int, int], torch.Tensor] = {}
    for k in range(n):
        for j in range(k + 1, n + 1):
            running[k, j] = torch.stack([text[:width] for text in stack[j]])
        blocks = list(running)
        at_once = max(1, call_tokens // (count * width))
        with decoder.layer(k):
            for start in range(0, len(blocks), at_once):
                some = blocks[start : start + at_once]
                rows = torch.cat([running[block].to(decoder.device) for block in some])
                out = decoder.run(k, rows, entry.calls[k])
                for place, block in enumerate(some):
                    running[block] = out[place * count : (place + 1) * count].clone()
        for i in range(k + 1):
            done = running.pop((i, k + 1))
            each = [
                displacement(words(h[:width]), words(once[:width]), words(twice))
                for h, once, twice in zip(stack[i], stack[k + 1], done, strict=True)
            ]
            values[i, k + 1] = float(np.mean(each))
        tick()
    return values
