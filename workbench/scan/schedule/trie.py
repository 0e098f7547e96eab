"""Layer paths as a trie over visits: what paths have in common is run once.

A node is a visit to a layer after a certain history. Its *round* counts how often the path has gone
back so far, so that running round after round, and in each the layers in order, meets every visit
after the one before it. All single blocks together take two rounds: the base, and everything that
has jumped back once; each layer's weights are touched once a round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.relayer.path import Path


@dataclass(frozen=True)
class Visit:
    """One visit: ``parent`` is the index of the visit before it, ``None`` at the start."""

    parent: int | None
    layer: int
    round: int


@dataclass(frozen=True)
class Trie:
    """The visits of some paths, each shared by all paths that begin alike.

    ``ends[p]`` is the visit at which path p ends.
    """

    visits: tuple[Visit, ...]
    ends: tuple[int, ...]

    @property
    def passes(self) -> int:
        """Layer passes that running all paths costs, for each item."""
        return len(self.visits)

    @property
    def rounds(self) -> int:
        """How often the layers are gone through from the first one on; two for single blocks."""
        return 1 + max(visit.round for visit in self.visits)

    def schedule(self) -> list[tuple[int, list[int]]]:
        """Layers in the order to visit them, each with the visits that are run there at once."""
        at: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, visit in enumerate(self.visits):
            at[visit.round, visit.layer].append(index)
        return [(layer, at[round_, layer]) for round_, layer in sorted(at)]

    def children(self) -> list[int]:
        """How many visits follow directly on each."""
        counts = [0] * len(self.visits)
        for visit in self.visits:
            if visit.parent is not None:
                counts[visit.parent] += 1
        return counts

    def most_alive(self) -> int:
        """The most hidden states that are held at one time, while those of a layer are made."""
        waiting = self.children()
        alive, most = 1, 1  # the state before the first layer
        starts = sum(visit.parent is None for visit in self.visits)
        for _, members in self.schedule():
            alive += len(members)
            most = max(most, alive)
            for index in members:
                parent = self.visits[index].parent
                if parent is None:
                    starts -= 1
                    alive -= starts == 0
                else:
                    waiting[parent] -= 1
                    alive -= waiting[parent] == 0
                alive -= waiting[index] == 0
        return most


def build(paths: Sequence[Path]) -> Trie:
    """The trie of ``paths``, each of which visits one layer at least."""
    visits: list[Visit] = []
    known: dict[tuple[int | None, int], int] = {}
    ends = []
    for path in paths:
        at: int | None = None
        for layer in path:
            if (at, layer) not in known:
                before = visits[at] if at is not None else Visit(None, -1, 0)
                went_back = layer <= before.layer
                known[at, layer] = len(visits)
                visits.append(Visit(at, layer, before.round + went_back))
            at = known[at, layer]
        if at is None:
            raise ValueError("a path visits one layer at least")
        ends.append(at)
    return Trie(tuple(visits), tuple(ends))


def naive_passes(paths: Sequence[Path]) -> int:
    """Layer passes of running each path on its own, for each item."""
    return sum(map(len, paths))
