"""Prompts of one length under many paths: prefilled together, then decoded token by token.

Rows of equal length stand at the same positions, so they need no padding and no mask, and one call
to a layer serves them all. A row is a prompt under a path: row ``p * prompts + m``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workbench.scan.schedule.decode_cache import RowCache, SlotShape
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Limits, Work
from workbench.scan.schedule.request import Generation, Text
from workbench.scan.schedule.trie import Trie


@dataclass
class _Stop:
    """One layer in one round: the cache of the rows there, and where they are in the batch."""

    cache: RowCache
    at: torch.Tensor


class Batch:
    """``asked``, all of one prompt length and one limit of new tokens, under the trie's paths.

    ``routes[v]`` lists the paths that make visit v, ``shapes[k]`` says what layer k keeps of a row.
    :meth:`prefill` is called for each entry of the trie's schedule, then :meth:`choose`; then, as
    long as there are :attr:`live` rows, :meth:`begin`, :meth:`step` for each entry, and
    :meth:`choose`.
    """

    def __init__(
        self,
        decoder: Decoder,
        trie: Trie,
        routes: Sequence[Sequence[int]],
        asked: Sequence[Generation],
        shapes: dict[int, SlotShape],
        limits: Limits,
    ) -> None:
        self.decoder, self.trie, self.routes = decoder, trie, routes
        self.asked, self.shapes, self.limits = asked, shapes, limits
        self.length, self.limit = len(asked[0].tokens), asked[0].max_new_tokens
        tokens = torch.tensor([each.tokens for each in asked], device=decoder.device)
        self.entry = decoder.enter(tokens)
        #: After prefill the live rows' state at their last token, [rows, 1, D].
        self.hidden = self.entry.hidden.new_empty(
            (len(trie.ends) * len(asked), 1, self.entry.hidden.shape[-1])
        )
        self.live = list(range(len(self.hidden)))
        self.work = Work()
        self._tokens: list[list[int]] = [[] for _ in self.live]
        self._overflow: set[int] = set()
        self._states: dict[int | None, torch.Tensor] = {None: self.entry.hidden}
        self._waiting = trie.children()
        self._stops: list[_Stop] = []
        self._cache = decoder.new_cache()

    def prefill(self, layer: int, visits: Sequence[int]) -> None:
        """The prompts through ``layer``, once for each visit that some paths have in common."""
        rows = [row for visit in visits for p in self.routes[visit] for row in self._rows(p)]
        cache = RowCache(self.shapes[layer], len(rows), self.limit - 1)
        tokens = len(self.asked) * self.length
        at_once = max(1, self.limits.call_tokens // tokens)
        for start in range(0, len(visits), at_once):
            self._visit(layer, visits[start : start + at_once], cache)
        self._stops.append(_Stop(cache, torch.tensor(rows, device=self.hidden.device)))
        passes = len(visits) * len(self.asked)
        self.work.add(Work(passes, len(rows), len(visits) * tokens))

    def begin(self) -> None:
        """The tokens chosen last enter the model."""
        newest = [[self._tokens[row][-1]] for row in self.live]
        past = self.length + len(self._tokens[self.live[0]]) - 1
        self.entry = self.decoder.enter(torch.tensor(newest, device=self.decoder.device), past)
        self.hidden = self.entry.hidden

    def rows_at(self, stop: int) -> int:
        """How many live rows there are at an entry of the schedule."""
        return len(self._stops[stop].at)

    def step(self, stop: int, layer: int) -> None:
        """The newest tokens through ``layer``, all rows there in one call."""
        here = self._stops[stop]
        self._cache.layers[layer] = here.cache.slot
        out = self.decoder.run(layer, self.hidden[here.at], self.entry.calls[layer], self._cache)
        self.hidden[here.at] = out.to(self.hidden.device)
        self.work.add(Work(len(out), len(out), len(out)))

    def choose(self) -> int:
        """The most likely next token of each live row; rows that end leave.

        Returns how many tokens fewer are to be made, counting those that ended rows will not make.
        """
        chosen, broken = self._greedy()
        stays, done = [], 0
        for row, token, is_broken in zip(self.live, chosen, broken, strict=True):
            made = self._tokens[row]
            done += 1
            ends = is_broken or token in self.asked[row % len(self.asked)].stop_ids
            if is_broken:
                self._overflow.add(row)
            elif not ends:
                made.append(token)
            stays.append(not ends and len(made) < self.limit)
            if ends:
                done += self.limit - len(made) - 1
        self._leave(stays)
        return done

    def texts(self, path: int) -> list[Text]:
        """What came out under a path, in the order asked."""
        return [Text(tuple(self._tokens[r]), r in self._overflow) for r in self._rows(path)]

    def _rows(self, path: int) -> range:
        return range(path * len(self.asked), (path + 1) * len(self.asked))

    def _visit(self, layer: int, visits: Sequence[int], cache: RowCache) -> None:
        """Some visits in one call; their rows' keys and values go to the end of ``cache``."""
        prompts = len(self.asked)
        parents = [self.trie.visits[visit].parent for visit in visits]
        stacked = self.decoder.joined(layer, [self._states[parent] for parent in parents])
        fresh = self.decoder.new_cache()
        out = self.decoder.run(layer, stacked, self.entry.calls[layer], fresh)
        index = [
            place * prompts + m
            for place, visit in enumerate(visits)
            for _ in self.routes[visit]
            for m in range(prompts)
        ]
        cache.add(fresh.layers[layer], torch.tensor(index))
        out = out.view(len(visits), prompts, *out.shape[1:])
        for place, (visit, parent) in enumerate(zip(visits, parents, strict=True)):
            for p in self.routes[visit]:
                if self.trie.ends[p] == visit:
                    rows = self._rows(p)
                    self.hidden[rows.start : rows.stop] = out[place, :, -1:].to(self.hidden.device)
            if self._waiting[visit]:
                self._states[visit] = out[place]
            if parent is not None:
                self._waiting[parent] -= 1
                if not self._waiting[parent]:
                    del self._states[parent]

    def _greedy(self) -> tuple[list[int], list[bool]]:
        """The most likely id for each live row, and whether its logits hold a NaN."""
        chosen: list[int] = []
        broken: list[bool] = []
        for part in self.hidden[:, 0].split(self.limits.head_rows):
            logits = self.decoder.logits(part)
            chosen += logits.argmax(dim=-1).tolist()
            broken += logits.isnan().any(dim=-1).tolist()
        return chosen, broken

    def _leave(self, stays: Sequence[bool]) -> None:
        """Rows that do not stay are gone from every cache; their places are filled from the end."""
        self._states.clear()
        if all(stays):
            return
        self.live = [row for row, stay in zip(self.live, stays, strict=True) if stay]
        if not self.live:
            self._stops.clear()
            return
        keep = torch.tensor(stays, device=self.hidden.device)
        where = keep.cumsum(0) - 1
        for stop in self._stops:
            stay = keep[stop.at]
            count = int(stay.sum())
            if count == len(stay):
                stop.at = where[stop.at]
                continue
            order = torch.arange(count, device=stay.device)
            order[~stay[:count]] = stay[count:].nonzero()[:, 0] + count
            stop.cache.keep(order)
            stop.at = where[stop.at[order]]
