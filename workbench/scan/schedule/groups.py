"""Readings that begin alike, put together so that their common beginning is run once.

A group is a batch for the scheduler: ``prefix`` first tokens that all its readings share, then the
rest of each, padded on the right to one width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.scan.schedule.request import Reading

#: What a group costs beside its tokens, in tokens: two more kernel launches a layer.
_GROUP_COST = 12
#: Larger groups save nothing more, and cost the search for the best ones much.
_MOST_MEMBERS = 256


@dataclass(frozen=True)
class Group:
    """``members`` are indices of readings; each runs ``width`` tokens after the ``prefix``."""

    members: tuple[int, ...]
    prefix: int
    width: int

    @property
    def tokens(self) -> int:
        """Tokens that one path runs for the whole group."""
        return self.prefix + len(self.members) * self.width


def group(readings: Sequence[Reading], most_tokens: int) -> list[Group]:
    """Groups of all ``readings`` that run the fewest tokens found, each of ``most_tokens`` at most.

    A reading of more tokens than that stands alone. The best split of the readings in order of
    their text (where beginnings meet) and of their length (where widths meet) is taken.
    """
    if not readings:
        return []
    by_text = sorted(range(len(readings)), key=lambda r: readings[r].tokens)
    by_length = sorted(range(len(readings)), key=lambda r: (len(readings[r].tokens), r))
    splits = [_split(readings, order, most_tokens) for order in (by_text, by_length)]
    return min(splits, key=lambda groups: sum(g.tokens + _GROUP_COST for g in groups))


def pack(groups: Sequence[Group], most_tokens: int) -> list[list[Group]]:
    """Groups in chunks of ``most_tokens`` at most, for one pair of sweeps each."""
    chunks: list[list[Group]] = []
    room = 0
    for each in groups:
        if not chunks or each.tokens > room:
            chunks.append([])
            room = most_tokens
        chunks[-1].append(each)
        room -= each.tokens
    return chunks


def _split(readings: Sequence[Reading], order: Sequence[int], most_tokens: int) -> list[Group]:
    """The cheapest cut of ``order`` into runs, by dynamic programming over where a run ends."""
    shared = [_common(readings[a].tokens, readings[b].tokens) for a, b in pairwise(order)]
    best = [0.0] * (len(order) + 1)
    chosen: list[Group] = [Group((), 0, 0)] * (len(order) + 1)
    for start in range(len(order) - 1, -1, -1):
        best[start] = float("inf")
        prefix = longest = 0
        for end in range(start + 1, min(len(order), start + _MOST_MEMBERS) + 1):
            reading = readings[order[end - 1]]
            longest = max(longest, len(reading.tokens))
            free = min((*reading.positions, len(reading.tokens) - 1))
            prefix = free if end == start + 1 else min(prefix, free, shared[end - 2])
            candidate = _cheapest(tuple(order[start:end]), prefix, longest)
            if candidate.tokens > most_tokens and end > start + 1:
                break
            cost = candidate.tokens + _GROUP_COST * (1 + (candidate.prefix > 0)) + best[end]
            if cost < best[start]:
                best[start], chosen[start] = cost, candidate
    groups, at = [], 0
    while at < len(order):
        groups.append(chosen[at])
        at += len(chosen[at].members)
    return groups


def _cheapest(members: tuple[int, ...], prefix: int, longest: int) -> Group:
    split, whole = Group(members, prefix, longest - prefix), Group(members, 0, longest)
    return split if split.tokens + _GROUP_COST < whole.tokens else whole


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many first tokens two sequences share."""
    return next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def spread(
    items: Sequence[int], most: int, alive: Callable[[Sequence[int]], int]
) -> list[list[int]]:
    """``items`` halved until ``alive`` of each part is ``most`` at most, or it is one item."""
    if len(items) == 1 or alive(items) <= most:
        return [list(items)]
    middle = len(items) // 2
    return spread(items[:middle], most, alive) + spread(items[middle:], most, alive)
