"""The scheduler: readings under many layer paths, in two sweeps over a model's weights.

The paths' trie says what they share. Its visits are run round by round and layer by layer, all
visits to a layer in one batch: for single blocks the first round is the base, whose hidden state
h_j before every layer is kept, and in the second every path (i, j) joins at layer i with h_j. So
each layer's weights are touched twice for the whole scan, and a block costs N - i layer passes
instead of N + j - i. What readings have in common at their beginning is run once a path, through
the layer's own KV cache, and the head runs on answer positions only.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import user_error
from workbench.progress import Tick
from workbench.relayer.path import Path
from workbench.scan.schedule.budget import STATES
from workbench.scan.schedule.chunk import Chunk
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.groups import group, pack, spread
from workbench.scan.schedule.limits import Limits, Work
from workbench.scan.schedule.request import Reading, Reply
from workbench.scan.schedule.trie import build, naive_passes


def sweep(
    decoder: Decoder,
    paths: Sequence[Path],
    readings: Sequence[Reading],
    *,
    budget_bytes: int,
    tick: Tick | None = None,
    work: Work | None = None,
) -> list[list[Reply]]:
    """The reply to every reading under every path: ``replies[path][reading]``.

    ``tick`` is moved on by visits x readings, ``len(build(paths).visits) * len(readings)`` in all
    unless the budget forces the paths apart. ``work`` is added to.

    Raises:
        UserError: not even one reading under one path fits into the budget.
    """
    if not paths or not readings:
        return [[] for _ in paths]
    limits = Limits.of(decoder, budget_bytes)
    longest = max(len(reading.tokens) for reading in readings)
    replies: list[list[Reply | None]] = [[None] * len(readings) for _ in paths]
    parts = spread(
        range(len(paths)),
        limits.state_tokens // longest,
        lambda part: build([paths[p] for p in part]).most_alive(),
    )
    for part in parts:
        trie = build([paths[p] for p in part])
        alive = trie.most_alive()
        if alive * longest > limits.state_tokens:
            raise _too_small(decoder, alive * longest, budget_bytes)
        most = limits.state_tokens // alive
        for chunk in pack(group(readings, most), most):
            run = Chunk(decoder, trie, readings, chunk, limits, tick)
            run.run()
            for place, p in enumerate(part):
                for r, reply in run.replies(trie.ends[place]):
                    replies[p][r] = reply
            if work is not None:
                rows = sum(len(g.members) for g in chunk)
                naive = rows * naive_passes([paths[p] for p in part])
                tokens = trie.passes * sum(g.tokens for g in chunk)
                work.add(Work(rows * trie.passes, naive, tokens, chunks=1, sweeps=trie.rounds))
    return [[reply for reply in row if reply is not None] for row in replies]


def _too_small(decoder: Decoder, tokens: int, budget_bytes: int) -> Exception:
    size = decoder.model.dtype.itemsize * decoder.stack.config.hidden_size
    needed = tokens * size / STATES / 2**30
    return user_error(
        f"memory_gib allows {budget_bytes / 2**30:.2f} GiB and one path over the longest prompt "
        f"needs {needed:.2f}",
        "the hidden states of one prompt are kept before every layer",
        f"set memory_gib to {needed * 1.1:.2f} or more, or use shorter prompts",
    )
