"""Runs, features and random paths, against one path at a time in plain Python."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.relayer.path import Path, insert_blocks, seams
from workbench.scan import grid
from workbench.scan.search.candidates import draw
from workbench.scan.search.features import MISSING, SEAMS, features, names
from workbench.scan.search.runs import joined, runs_of

N = 6

paths = st.lists(
    st.lists(st.integers(0, N - 1), min_size=1, max_size=14).map(tuple), min_size=1, max_size=5
)


def column(path: Path, name: str, n: int = N) -> float:
    return float(features(runs_of([path]), n)[0, names(n).index(name)])


@given(paths)
def test_runs_give_the_paths_back(some: list[Path]) -> None:
    runs = runs_of(some)
    assert runs.paths() == some
    assert runs.lengths.tolist() == [len(path) for path in some]
    assert runs.counts.tolist() == [len(seams(path)) + 1 for path in some]
    equal = runs.keys[:, None] == runs.keys[None, :]
    assert equal.tolist() == [[a == b for b in some] for a in some]
    assert joined([runs, runs_of([(0,)])]).paths() == [*some, (0,)]


@given(paths)
def test_features_are_what_their_names_say(some: list[Path]) -> None:
    table = features(runs_of(some), N)
    assert table.shape == (len(some), len(names(N))) and np.isfinite(table).all()
    for row, path in zip(table, some, strict=True):
        has = dict(zip(names(N), row.tolist(), strict=True))
        cuts = seams(path)
        jumps = [(path[p - 1], path[p]) for p in cuts]
        for layer in range(N):
            at = [p for p, visited in enumerate(path) if visited == layer]
            assert has[f"visits[{layer}]"] == len(at)
            assert has[f"shift[{layer}]"] == (at[0] - layer if at else MISSING)
            assert has[f"gap[{layer}]"] == (at[1] - at[0] if len(at) > 1 else 0)
            assert has[f"source[{layer}]"] == sum(s == layer for s, _ in jumps)
            assert has[f"target[{layer}]"] == sum(t == layer for _, t in jumps)
        ends = [0, *cuts, len(path)]
        runs = [b - a for a, b in itertools.pairwise(ends)]
        for k in range(SEAMS):
            expected = [MISSING] * 5
            if k < len(jumps):
                s, t = jumps[k]
                expected = [s, t, t - s - 1, cuts[k], runs[k]]
            for what, value in zip(
                ("source", "target", "jump", "at", "run"), expected, strict=True
            ):
                assert has[f"seam{k}_{what}"] == value
        extra = [layer for layer in set(path) for _ in range(path.count(layer) - 1)]
        assert (has["first"], has["last"]) == (path[0], path[-1])
        assert (has["length"], has["extra"], has["seams"]) == (len(path), len(path) - N, len(cuts))
        assert has["repeats"] == sum(t <= s for s, t in jumps)
        assert has["skips"] == sum(t > s + 1 for s, t in jumps)
        assert has["left_out"] == N - len(set(path))
        assert has["most"] == max(path.count(layer) for layer in path)
        assert has["doubled"] == len(set(extra))
        assert has["centre"] == pytest.approx(np.mean(extra) if extra else MISSING)
        assert has["width"] == pytest.approx(np.std(extra) if extra else 0, abs=1e-6)
        assert (has["run_shortest"], has["run_longest"]) == (min(runs), max(runs))
        assert has["jump_longest"] == max([s + 1 - t for s, t in jumps if t <= s], default=0)
        assert has["jump_total"] == sum(abs(t - s - 1) for s, t in jumps)
        assert sum(has[f"eighth_{k}"] for k in range(8)) == len(extra)
        grams = ("again", "ahead", "inside", "around", "across", "mixed")
        assert sum(has[gram] for gram in grams) == max(0, len(jumps) - 1)
        pairs = list(itertools.pairwise(jumps))
        back = [(a, b) for a, b in pairs if a[1] <= a[0] and b[1] <= b[0]]
        assert has["again"] == sum(a == b for a, b in back)
        assert has["ahead"] == sum(b[1] > a[0] for a, b in back)


def test_abab_and_aabb_differ_though_every_layer_runs_as_often() -> None:
    aabb = insert_blocks([(1, 3), (3, 5)], N)
    abab = insert_blocks([(1, 5)], N)
    table = features(runs_of([aabb, abab]), N)
    differ = {name for name, a, b in zip(names(N), *table, strict=True) if a != b}
    assert not any(name.startswith("visits") for name in differ)
    assert {"seams", "ahead", "seam0_source", "gap[1]"} <= differ
    # Two loops of one block against one loop of two: same seams twice, or another seam behind.
    assert column(insert_blocks([(1, 3), (1, 3)], N), "again") == 1
    assert column(insert_blocks([(1, 3), (1, 3), (1, 3)], N), "again_again") == 1
    assert column((0, 1, 2, 3, 2, 3, 4, 1, 2, 3, 4, 5), "around") == 1
    assert column((0, 1, 2, 3, 4, 1, 2, 3, 2, 3, 4, 5), "inside") == 1


def test_equal_features_mean_equal_paths_up_to_the_seams_given() -> None:
    """All 3,279 paths of up to 7 visits over 3 layers: 6 seams at most."""
    some = [
        path
        for length in range(1, SEAMS + 2)
        for path in itertools.product(range(3), repeat=length)
    ]
    table = features(runs_of(some), 3)
    assert len(np.unique(table, axis=0)) == len(some)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_candidates_are_paths_within_bounds_and_differ(
    n: int, extra: int, seed: int, from_good: bool
) -> None:
    good = None
    if from_good:
        good = runs_of([grid.layers(block, n) for block in grid.blocks(n)])
    runs = draw(np.random.default_rng(seed), 300, n, extra, good)
    found = runs.paths()
    assert len(found) == len(set(found))
    assert tuple(range(n)) not in found
    for path in found:
        assert len(path) <= n + extra
        assert path[0] == 0 and path[-1] == n - 1
        assert set(path) <= set(range(n))
    # Runs are maximal: what is drawn is what the features of such a path are made of.
    assert runs_of(found).counts.tolist() == runs.counts.tolist()
    assert draw(np.random.default_rng(seed), 300, n, extra, good).paths() == found


def test_candidates_reach_every_small_path() -> None:
    """Every one and two blocks, wherever they lie, and every gap of one layer."""
    found = set(draw(np.random.default_rng(0), 30_000, N, 4).paths())
    every = [block for block in grid.blocks(N) if block != (0, 0)]
    for pair in itertools.product(every, repeat=2):
        path = insert_blocks(pair, N)
        if len(path) <= N + 4:
            assert path in found
    for layer in range(1, N - 1):
        assert (*range(layer), *range(layer + 1, N)) in found
