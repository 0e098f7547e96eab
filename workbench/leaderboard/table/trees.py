"""Family trees from what models declare as their base: who descends from whom, and how far.

A node is a model, an edge a declaration. The graph is what strangers typed: a model can name
itself, two can name each other, a merge can name parents of two families, and most of the nodes may
not be in the table at all. A model is placed only if every way up from it ends at the same root.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass

#: Why a model has no root, in the words of the report.
SELF = "declares no base but itself"
MERGE = "merge that does not name its parents"
REMOVED = "declared base was removed from the hub"
NOTHING = "declares no base"
UNREADABLE = "declared base is no model's name"
CYCLE = "declared bases go round in a circle"
MIXED = "parents of different roots"
OUTSIDE = "declared base is neither in the table nor in the catalogue"
PRETRAINED = "calls itself pretrained, not in the catalogue"


@dataclass(frozen=True)
class Place:
    """Where a model stands.

    ``root`` is the root all its ways up end at, ``depth`` the declarations on the longest of them,
    ``why`` the reason if there is no root, and ``end`` the model at which the (first) way ended.
    ``through`` is the nearest of the ``marked`` models on the way up, the model itself excepted.
    """

    root: str | None
    depth: int
    end: str
    why: str | None = None
    through: str | None = None


def place_all(
    parents: Mapping[str, tuple[str, ...]],
    roots: Set[str],
    dead_ends: Mapping[str, str],
    marked: Set[str] = frozenset(),
) -> dict[str, Place]:
    """The place of every model that is named in ``parents``, as child or as parent.

    Args:
        parents: the declared parents of each model, itself not among them.
        roots: models at which a way up ends well, whatever they declare.
        dead_ends: why a model without parents is no root; ``OUTSIDE`` where it is not given.
        marked: models to be remembered on the way (official instruct models).
    """
    nodes = list(dict.fromkeys([*parents, *(p for many in parents.values() for p in many)]))
    ways = {node: () if node in roots else tuple(parents.get(node, ())) for node in nodes}
    children: dict[str, list[str]] = {node: [] for node in nodes}
    open_parents = {node: len(ways[node]) for node in nodes}
    for node, above in ways.items():
        for parent in above:
            children[parent].append(node)
    placed: dict[str, Place] = {}
    ready = deque(node for node in nodes if not open_parents[node])
    while ready:
        node = ready.popleft()
        if node in roots:
            placed[node] = Place(node, 0, node)
        elif not ways[node]:
            placed[node] = Place(None, 0, node, dead_ends.get(node, OUTSIDE))
        else:
            placed[node] = _below([(p, placed[p]) for p in ways[node]], marked)
        for child in children[node]:
            open_parents[child] -= 1
            if not open_parents[child]:
                ready.append(child)
    # What never had all its parents placed is on a circle, or below one.
    for node in nodes:
        placed.setdefault(node, Place(None, 0, node, CYCLE))
    return placed


def _below(above: list[tuple[str, Place]], marked: Set[str]) -> Place:
    """The place of a child whose parents and their places are ``above``."""
    depth = 1 + max(place.depth for _, place in above)
    lost = next((place for _, place in above if place.root is None), None)
    if lost is not None:
        return Place(None, depth, lost.end, lost.why)
    found = {place.root for _, place in above}
    first, place = above[0]
    if len(found) > 1:
        return Place(None, depth, first, MIXED)
    passed = {name if name in marked else place.through for name, place in above}
    through = passed.pop() if len(passed) == 1 else None
    return Place(place.root, depth, place.end, None, through)


def circles(
    parents: Mapping[str, tuple[str, ...]], roots: Set[str] = frozenset()
) -> list[list[str]]:
    """The circles of models that name each other, each once; what hangs below them is left out.

    Every strongly connected set of two or more models, found by following single ways: exact for
    models of one parent, and for the rest at least one circle of each set.
    """
    state: dict[str, int] = {}
    found: list[list[str]] = []
    for start in parents:
        if start in state:
            continue
        path: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            node, at = stack.pop()
            if at == 0:
                if state.get(node) is not None:
                    continue
                state[node] = 1
                path.append(node)
            above = () if node in roots else parents.get(node, ())
            if at < len(above):
                stack.append((node, at + 1))
                parent = above[at]
                if state.get(parent) == 1:
                    found.append(path[path.index(parent) :])
                elif parent not in state:
                    stack.append((parent, 0))
            else:
                state[node] = 2
                path.pop()
    return found
