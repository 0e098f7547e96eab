from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.scan import grid
from workbench.scan.schedule.trie import build, naive_passes

N = 5
PATHS = st.lists(
    st.lists(st.integers(0, N - 1), min_size=1, max_size=9).map(tuple), min_size=1, max_size=12
)


@given(PATHS)
@settings(max_examples=200, deadline=None)
def test_a_schedule_runs_every_path_in_its_own_order(paths):
    trie = build(paths)
    done: set[int] = set()
    for layer, members in trie.schedule():
        for index in members:
            visit = trie.visits[index]
            assert visit.layer == layer
            assert visit.parent is None or visit.parent in done
        done.update(members)
    for path, end in zip(paths, trie.ends, strict=True):
        walked, at = [], end
        while at is not None:
            walked.append(trie.visits[at].layer)
            at = trie.visits[at].parent
        assert tuple(reversed(walked)) == path


@given(PATHS)
@settings(max_examples=100, deadline=None)
def test_common_beginnings_are_run_once(paths):
    beginnings = {path[:n] for path in paths for n in range(1, len(path) + 1)}
    assert build(paths).passes == len(beginnings)


def test_all_blocks_take_two_rounds_and_the_counted_passes():
    for n in (1, 2, 8, 24):
        paths = [
            tuple(range(n)) if block == grid.BASE else grid.layers(block, n)
            for block in grid.blocks(n)
        ]
        trie = build(paths)
        assert trie.passes == grid.layer_passes(n, shared=True)
        assert naive_passes(paths) == grid.layer_passes(n, shared=False)
        visited = [layer for layer, _ in trie.schedule()]
        assert visited == [*range(n), *range(n)]


def test_most_alive_counts_the_states_that_are_held():
    # Base 0 1 2 and block (1, 2): while layer 1 is run again, h after 1 is there, and its two
    # children 2 and 1 wait in different rounds.
    trie = build([(0, 1, 2), (0, 1, 1, 2)])
    alive, states, waiting = 0, {None}, trie.children()
    for _, members in trie.schedule():
        alive = max(alive, len(states) + len(members))
        for index in members:
            states.add(index)
            parent = trie.visits[index].parent
            if parent is None:
                states.discard(None)
            else:
                waiting[parent] -= 1
                if not waiting[parent]:
                    states.discard(parent)
            if not waiting[index]:
                states.discard(index)
    assert trie.most_alive() == alive
