"""One go through the layers: some groups of readings under all paths of a trie.

Hidden states wait at the visits that others follow on, and are let go of with the last of those.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.progress import Tick
from workbench.scan.schedule.decoder import Decoder, Entry
from workbench.scan.schedule.groups import Group
from workbench.scan.schedule.limits import Limits
from workbench.scan.schedule.request import Reading, Reply
from workbench.scan.schedule.trie import Trie

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers.cache_utils import Cache


@dataclass
class _State:
    """The hidden state of one visit for one group: [prefix, D] and [members, width, D]."""

    prefix: torch.Tensor | None
    rest: torch.Tensor


@dataclass
class _Batch:
    """A group in the model's terms: its entries, and where its answers are read."""

    group: Group
    prefix: Entry | None
    rest: Entry
    rows: torch.Tensor
    columns: torch.Tensor
    targets: torch.Tensor
    states: dict[int | None, _State] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)


class Chunk:
    """One pair of sweeps: some groups of readings under all paths of a trie."""

    def __init__(
        self,
        decoder: Decoder,
        trie: Trie,
        readings: Sequence[Reading],
        groups: Sequence[Group],
        limits: Limits,
        tick: Tick | None,
    ) -> None:
        self.decoder, self.trie, self.readings = decoder, trie, readings
        self.limits, self.tick = limits, tick
        self.ends = set(trie.ends)
        self.batches = [self._enter(each) for each in groups]
        #: By visit and group: log-probabilities [answers, targets], and greedy ids [answers].
        self.answers: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._unread: list[tuple[int, int, torch.Tensor]] = []
        self._unread_rows = 0

    def run(self) -> None:
        """Every visit of the trie, each layer opened once a round."""
        for layer, members in self.trie.schedule():
            with self.decoder.layer(layer):
                for g, batch in enumerate(self.batches):
                    self._visit_all(layer, members, g, batch)
                    if self.tick is not None:
                        self.tick(len(members) * len(batch.group.members))
        self._read()

    def replies(self, visit: int) -> list[tuple[int, Reply]]:
        """The replies at the end of a path, each with the index of its reading."""
        found = []
        for g, batch in enumerate(self.batches):
            values, greedy = self.answers[visit, g]
            at = 0
            for r in batch.group.members:
                targets = self.readings[r].targets
                rows = range(at, at + len(targets))
                logprobs = tuple(
                    tuple(values[row, : len(wanted)].tolist())
                    for row, wanted in zip(rows, targets, strict=True)
                )
                found.append((r, Reply(logprobs, tuple(greedy[at : at + len(targets)].tolist()))))
                at += len(targets)
        return found

    def _enter(self, group_: Group) -> _Batch:
        import torch

        device = self.decoder.device
        tokens = [self.readings[r].tokens for r in group_.members]
        start, width = group_.prefix, group_.width
        # Any id will do for padding: it stands behind every token that is read.
        padded = [(*t[start:], *([0] * (start + width - len(t)))) for t in tokens]
        rest = self.decoder.enter(torch.tensor(padded, device=device), past=start)
        first = torch.tensor([tokens[0][:start]], device=device)
        prefix = self.decoder.enter(first) if start else None
        places = [
            (row, at - start, wanted)
            for row, r in enumerate(group_.members)
            for at, wanted in zip(self.readings[r].positions, self.readings[r].targets, strict=True)
        ]
        widest = max((len(wanted) for _, _, wanted in places), default=0)
        batch = _Batch(
            group_,
            prefix,
            rest,
            torch.tensor([row for row, _, _ in places], dtype=torch.long),
            torch.tensor([at for _, at, _ in places], dtype=torch.long),
            torch.tensor([(*w, *([0] * (widest - len(w)))) for _, _, w in places]).reshape(
                len(places), widest
            ),
        )
        batch.states[None] = _State(prefix.hidden[0] if prefix else None, rest.hidden)
        batch.waiting = self.trie.children()
        return batch

    def _visit_all(self, layer: int, members: Sequence[int], g: int, batch: _Batch) -> None:
        """All visits to ``layer`` for one group: shared beginnings first, many in one call."""
        import torch

        group_, room = batch.group, self.limits.call_tokens
        at_once = max(1, room // (len(group_.members) * group_.width))
        # One beginning alone is too short to keep the cores busy.
        for wide in _slices(members, max(1, room // group_.prefix) if group_.prefix else at_once):
            begun = self._begin(layer, wide, batch) if batch.prefix is not None else None
            for start in range(0, len(wide), at_once):
                some = wide[start : start + at_once]
                if begun is None:
                    self._visit(layer, some, g, batch, None, None)
                    continue
                firsts, cache = begun
                rows = torch.arange(start, start + len(some), device=firsts.device)
                taken = _taken(
                    self.decoder, cache, layer, rows.repeat_interleave(len(group_.members))
                )
                self._visit(layer, some, g, batch, firsts[start : start + len(some)], taken)

    def _begin(
        self, layer: int, members: Sequence[int], batch: _Batch
    ) -> tuple[torch.Tensor, Cache]:
        """The shared beginnings after ``layer`` [members, prefix, D], and the cache they left."""
        if batch.prefix is None:
            raise ValueError("the group's rows share nothing")
        states = [batch.states[self.trie.visits[index].parent] for index in members]
        cache = self.decoder.new_cache()
        stacked = self.decoder.joined(
            layer, [s.prefix[None] for s in states if s.prefix is not None]
        )
        return self.decoder.run(layer, stacked, batch.prefix.calls[layer], cache), cache

    def _visit(
        self,
        layer: int,
        members: Sequence[int],
        g: int,
        batch: _Batch,
        firsts: torch.Tensor | None,
        cache: Cache | None,
    ) -> None:
        """Some visits to ``layer`` for one group, in one call, behind what the cache holds."""
        parents = [self.trie.visits[index].parent for index in members]
        states = [batch.states[parent] for parent in parents]
        rest = self.decoder.joined(layer, [s.rest for s in states])
        out = self.decoder.run(layer, rest, batch.rest.calls[layer], cache)
        out = out.view(len(members), len(batch.group.members), *out.shape[1:])
        self._keep(members, out, g, batch)
        for place, (index, parent) in enumerate(zip(members, parents, strict=True)):
            if batch.waiting[index]:
                first = firsts[place] if firsts is not None else None
                batch.states[index] = _State(first, out[place])
            if parent is not None:
                batch.waiting[parent] -= 1
                if not batch.waiting[parent]:
                    del batch.states[parent]

    def _keep(self, members: Sequence[int], out: torch.Tensor, g: int, batch: _Batch) -> None:
        """Put by what answers are read from where a path ends; ``out`` is [members, rows, …, D]."""
        for place, index in enumerate(members):
            if index in self.ends:
                # Where the state is: with several cards, the last layer's is not the first's.
                rows, columns = batch.rows.to(out.device), batch.columns.to(out.device)
                self._unread.append((index, g, out[place][rows, columns]))
                self._unread_rows += len(rows)
        if self._unread_rows >= self.limits.head_rows:
            self._read()

    def _read(self) -> None:
        """Run the head over all that was put by: one call for many paths, as it costs the same."""
        import torch

        unread, self._unread, self._unread_rows = self._unread, [], 0
        if not unread:
            return
        widest = max(self.batches[g].targets.shape[-1] for _, g, _ in unread)
        hidden = torch.cat([states.to(unread[0][2].device) for _, _, states in unread])
        targets = torch.cat([_widened(self.batches[g].targets, widest) for _, g, _ in unread])
        values, greedy = [], []
        for start in range(0, len(hidden), self.limits.head_rows):
            end = start + self.limits.head_rows
            logits = self.decoder.logits(hidden[start:end])
            wanted = targets[start:end].to(logits.device)
            total = logits.logsumexp(dim=-1, keepdim=True)
            sound = total.isfinite()
            logprobs = torch.where(sound, logits.gather(1, wanted) - total, torch.nan)
            values.append(logprobs.cpu())
            greedy.append(torch.where(sound[:, 0], logits.argmax(dim=-1), -1).cpu())
        lengths = [len(states) for _, _, states in unread]
        for (index, g, _), value, best in zip(
            unread,
            torch.cat(values).split(lengths) if values else [torch.empty(0, widest)] * len(unread),
            torch.cat(greedy).split(lengths) if greedy else [torch.empty(0)] * len(unread),
            strict=True,
        ):
            self.answers[index, g] = (value.numpy(), best.numpy())


def _widened(targets: torch.Tensor, width: int) -> torch.Tensor:
    """Targets [answers, n] padded with id 0 to [answers, width]."""
    import torch

    return torch.nn.functional.pad(targets, (0, width - targets.shape[-1]))


def _slices(members: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (members[start : start + size] for start in range(0, len(members), size))


def _taken(decoder: Decoder, cache: Cache, layer: int, rows: torch.Tensor) -> Cache:
    """A cache with some rows of another's slot ``layer``, which is left as it is."""
    slot = copy.copy(cache.layers[layer])
    for name, value in vars(slot).items():
        # Linear attention keeps its states in dicts, which a copy of the slot would share.
        if isinstance(value, dict):
            setattr(slot, name, dict(value))
    slot.reorder_cache(rows)
    part = decoder.new_cache()
    part.layers[layer] = slot
    return part
