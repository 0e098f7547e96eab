"""Greedy decoding of many prompts under many layer paths at once.

All paths and prompts go through the layers together: the prompts once for each visit that paths
have in common, the new tokens one by one with a KV cache for each visit of each path. A layer's
weights are touched once a round and token, for everything that is there; what has ended leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from workbench.errors import user_error
from workbench.progress import Tick
from workbench.relayer.path import Path
from workbench.scan.schedule.budget import ROWS
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.groups import spread
from workbench.scan.schedule.limits import Limits, Work
from workbench.scan.schedule.request import Generation, Text
from workbench.scan.schedule.trie import Trie, build

if TYPE_CHECKING:
    from workbench.scan.schedule.decode_cache import SlotShape


def generate(
    decoder: Decoder,
    paths: Sequence[Path],
    generations: Sequence[Generation],
    *,
    budget_bytes: int,
    tick: Tick | None = None,
    work: Work | None = None,
) -> list[list[Text]]:
    """The text of every generation under every path: ``texts[path][generation]``.

    In float32 each is, token for token, what the path gives alone. A path or a generation that is
    listed twice is run once. ``tick`` is moved on by new tokens, ``len(paths)`` times the sum of
    ``max_new_tokens`` in all, where a text that ends early counts in full. ``work`` is added to; a
    layer pass there is a prompt, or one new token, of a row through a layer.

    Raises:
        UserError: not even one generation under one path fits into the budget.
        StepFailed: the model passes its layers no KV cache.
    """
    if not paths or not generations:
        return [[] for _ in paths]
    from workbench.scan.schedule.decode_cache import measure

    limits = Limits.of(decoder, budget_bytes)
    shapes = measure(decoder, {layer for path in paths for layer in path})
    once = list(dict.fromkeys(paths)), list(dict.fromkeys(generations))
    texts: dict[tuple[Path, Generation], Text] = {}
    for trie, part, asked in list(_chunks(decoder, *once, shapes, limits, budget_bytes)):
        texts.update(_run(decoder, trie, part, asked, shapes, limits, tick, work))
    if tick is not None:
        ticked = len(once[0]) * sum(each.max_new_tokens for each in once[1])
        total = len(paths) * sum(each.max_new_tokens for each in generations)
        if total > ticked:
            tick(total - ticked)
    return [[texts[path, asked] for asked in generations] for path in paths]


def _run(
    decoder: Decoder,
    trie: Trie,
    paths: Sequence[Path],
    asked: Sequence[Generation],
    shapes: dict[int, SlotShape],
    limits: Limits,
    tick: Tick | None,
    work: Work | None,
) -> dict[tuple[Path, Generation], Text]:
    """One chunk: batches of prompts of one length each, in step with each other."""
    from workbench.scan.schedule.decode_batch import Batch

    routes = _routes(trie)
    schedule = trie.schedule()
    batches = [
        Batch(decoder, trie, routes, each, shapes, limits)
        for each in _alike(asked, limits.call_tokens)
    ]
    for layer, visits in schedule:
        with decoder.layer(layer):
            for batch in batches:
                batch.prefill(layer, visits)
    going, sweeps = batches, 0
    while True:
        sweeps += trie.rounds
        done = sum(batch.choose() for batch in going)
        if tick is not None:
            tick(done)
        going = [batch for batch in going if batch.live]
        if not going:
            break
        for batch in going:
            batch.begin()
        for stop, (layer, _) in enumerate(schedule):
            here = [batch for batch in going if batch.rows_at(stop)]
            if here:
                with decoder.layer(layer):
                    for batch in here:
                        batch.step(stop, layer)
    if work is not None:
        for batch in batches:
            work.add(batch.work)
        work.add(Work(chunks=1, sweeps=sweeps))
    return {
        (path, each): text
        for batch in batches
        for p, path in enumerate(paths)
        for each, text in zip(batch.asked, batch.texts(p), strict=True)
    }


def _routes(trie: Trie) -> list[list[int]]:
    """The paths that make each visit."""
    routes: list[list[int]] = [[] for _ in trie.visits]
    for p, end in enumerate(trie.ends):
        at: int | None = end
        while at is not None:
            routes[at].append(p)
            at = trie.visits[at].parent
    return routes


def _alike(asked: Sequence[Generation], most_tokens: int) -> Iterator[list[Generation]]:
    """Generations of one prompt length and limit, no more than one call to a layer takes."""
    groups: dict[tuple[int, int], list[Generation]] = {}
    for each in asked:
        groups.setdefault((len(each.tokens), each.max_new_tokens), []).append(each)
    for (length, _), members in groups.items():
        most = max(1, most_tokens // length)
        yield from (members[start : start + most] for start in range(0, len(members), most))


class _Load:
    """What some paths hold in memory for each of their prompts."""

    def __init__(self, trie: Trie, shapes: dict[int, SlotShape], state_bytes: int) -> None:
        self.trie, self.shapes, self.state_bytes = trie, shapes, state_bytes
        through = [0] * len(trie.visits)
        for end in trie.ends:
            through[end] += 1
        self.rows: Counter[tuple[int, int]] = Counter()
        # A visit stands behind the one it follows, so its paths are counted by then.
        for visit, count in zip(reversed(trie.visits), reversed(through), strict=True):
            self.rows[visit.round, visit.layer] += count
            if visit.parent is not None:
                through[visit.parent] += count
        self.alive = trie.most_alive()

    def of(self, asked: Generation) -> int:
        """Bytes of keys, values and hidden states for ``asked`` under all the paths.

        One layer's are counted twice: they are copied when rows are gathered.
        """
        prompt, to_come = len(asked.tokens), asked.max_new_tokens - 1
        held = [
            rows * self.shapes[layer].nbytes(prompt, to_come)
            for (_, layer), rows in self.rows.items()
        ]
        states = self.alive * prompt + 4 * len(self.trie.ends)
        return sum(held) + max(held) + states * self.state_bytes


def _chunks(
    decoder: Decoder,
    paths: Sequence[Path],
    generations: Sequence[Generation],
    shapes: dict[int, SlotShape],
    limits: Limits,
    budget_bytes: int,
) -> Iterator[tuple[Trie, list[Path], list[Generation]]]:
    """Paths and generations that fit into memory together; paths stay together if they can."""
    state_bytes = decoder.model.dtype.itemsize * decoder.stack.config.hidden_size
    room = int(ROWS * budget_bytes)
    order = sorted(generations, key=lambda each: (len(each.tokens), each.max_new_tokens))
    kinds = {(len(each.tokens), each.max_new_tokens): each for each in order}.values()

    def load_of(part: Sequence[int]) -> _Load:
        return _Load(build([paths[p] for p in part]), shapes, state_bytes)

    def most(part: Sequence[int]) -> int:
        load = load_of(part)
        return max(map(load.of, kinds)) if len(part) <= limits.call_tokens else room + 1

    for part in spread(range(len(paths)), room, most):
        load, chunk, used = load_of(part), list[Generation](), 0
        for each in order:
            need = load.of(each)
            if need > room:
                raise _too_small(need, budget_bytes)
            if chunk and (used + need > room or (len(chunk) + 1) * len(part) > limits.call_tokens):
                yield load.trie, [paths[p] for p in part], chunk
                chunk, used = [], 0
            chunk.append(each)
            used += need
        yield load.trie, [paths[p] for p in part], chunk


def _too_small(need: int, budget_bytes: int) -> Exception:
    needed = need / ROWS / 2**30
    return user_error(
        f"memory_gib allows {budget_bytes / 2**30:.2g} GiB and one path over the longest prompt "
        f"needs {needed:.2g}",
        "keys and values of the prompt and of the new tokens are kept for every layer visited",
        f"set memory_gib to {needed * 1.1:.2g} or more, or use shorter prompts or answers",
    )
