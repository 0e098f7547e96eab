"""Placing in a graph of declarations, against a walk over every single way up."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.leaderboard.table import trees
from workbench.leaderboard.table.trees import Place, circles, place_all

NAMES = [f"m{n}" for n in range(9)]
ROOTS = {"m0", "m1"}
MARKED = {"m2", "m3"}
DEAD = {"m4": trees.REMOVED, "m5": trees.SELF}

Graph = Mapping[str, tuple[str, ...]]
graphs = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple)
).map(lambda graph: {name: tuple(p for p in up if p != name) for name, up in graph.items()})


def ways(graph: Graph, name: str, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every way up from ``name``; one that comes back to a model on it ends with ``!``."""
    if name in path:
        return [(*path, "!")]
    path = (*path, name)
    above = () if name in ROOTS else graph.get(name, ())
    return [way for parent in above for way in ways(graph, parent, path)] if above else [path]


@settings(max_examples=400, deadline=None)
@given(graphs)
def test_a_place_is_what_all_ways_up_agree_on(graph: Graph) -> None:
    placed = place_all(graph, ROOTS, DEAD, MARKED)
    for name in {*graph, *(p for up in graph.values() for p in up)}:
        every = ways(graph, name)
        ends = {way[-1] for way in every}
        place = placed[name]
        if "!" in ends:
            assert (place.root, place.why) == (None, trees.CYCLE)
            continue
        assert place.depth == max(len(way) for way in every) - 1
        if len(ends) == 1 and ends <= ROOTS:
            assert (place.root, place.why) == (*ends, None) and place.end == place.root
        else:
            assert place.root is None and place.why is not None
        if ends <= ROOTS and len(ends) > 1:
            assert place.why == trees.MIXED
        if len(ends) == 1 and not ends <= ROOTS:
            (end,) = ends
            assert (place.why, place.end) == (DEAD.get(end, trees.OUTSIDE), end)
        if place.root:
            nearest = {next((n for n in way[1:] if n in MARKED), None) for way in every}
            # Ways that pass different marked models do not say which.
            if len(nearest) == 1:
                assert place.through == nearest.pop()
            else:
                assert place.through is None or place.through in nearest


@settings(max_examples=300, deadline=None)
@given(graphs)
def test_circles_are_found_where_there_are_some(graph: Graph) -> None:
    found = circles(graph, ROOTS)
    for ring in found:
        assert len(set(ring)) == len(ring) >= 2
        for child, parent in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert parent in graph[child] and child not in ROOTS
    comes_back = [n for n in graph if any(w[-1] == "!" for w in ways(graph, n))]
    assert bool(found) == bool(comes_back)
    # Where everybody has one parent, all circles are found, each once.
    if all(len(up) < 2 for up in graph.values()):
        on_one = {n for n in graph if any(n in graph.get(w[-2], ()) for w in ways(graph, n)
                                          if w[-1] == "!")}  # fmt: skip
        assert sorted(n for ring in found for n in ring) == sorted(on_one)


@given(st.permutations(NAMES[2:]))
def test_the_order_of_the_rows_does_not_matter(order: list[str]) -> None:
    graph = {name: (f"m{int(name[1:]) - 1}",) for name in order}
    assert place_all(graph, ROOTS, {})["m8"] == Place("m1", 7, "m1")


def test_a_chain_of_ten_thousand_is_no_deeper_than_a_short_one() -> None:
    graph = {f"m{n}": (f"m{n - 1}",) for n in range(1, 10_000)}
    assert place_all(graph, {"m0"}, {})["m9999"].depth == 9999
    assert circles(graph | {"m0": ("m9999",)}) and not circles(graph)


def test_a_child_of_lost_parents_is_lost_for_their_reason() -> None:
    graph = {"x": ("m0", "m4"), "y": ("nowhere",), "z": ("x",)}
    placed = place_all(graph, ROOTS, DEAD)
    assert placed["x"].why == placed["z"].why == trees.REMOVED
    assert (placed["y"].why, placed["y"].end) == (trees.OUTSIDE, "nowhere")
