"""Blocks, repeats and the beam over landscapes whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.landscape import Landscape
from workbench.relayer.path import Path, insert_blocks, parse_layer_map
from workbench.scan import grid
from workbench.scan.config import BeamConfig, BlocksConfig, RepeatsConfig
from workbench.scan.search import beam, blocks, repeats
from workbench.scan.search.meter import best_first, seen, standings

N = 8


def extra_in(path: Path, i: int, j: int) -> float:
    return sum(path.count(layer) - 1 for layer in range(i, j))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_exhaustive_search_measures_every_block_once(n: int) -> None:
    meter = Landscape(n, {"p": len})
    found = blocks.search(meter, BlocksConfig())
    assert len(found) == len(set(found)) == n * (n + 1) // 2 + 1 == grid.count(n)
    assert found[0] == tuple(range(n))
    assert set(meter.bought) == set(found) and set(meter.bought.values()) == {16}
    short = blocks.paths_of(BlocksConfig(max_extra=1), n)
    assert sorted(short) == sorted(p for p in found if len(p) <= n + 1)


@given(st.integers(1, 9), st.data())
def test_block_of_and_repeat_of_undo_their_paths(n: int, data: st.DataObject) -> None:
    for block in grid.blocks(n):
        assert grid.block_of(grid.layers(block, n), n) == (None if block == (0, 0) else block)
    for layer in range(n):
        for times in (2, 3, 5):
            path = grid.repeated(layer, times, n)
            assert path == insert_blocks([(layer, layer + 1)] * (times - 1), n)
            assert grid.repeat_of(path, n) == (layer, times)
    path = tuple(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n + 4)))
    of_all = {grid.layers(block, n): block for block in grid.blocks(n) if block != (0, 0)}
    assert grid.block_of(path, n) == of_all.get(path)


def test_repeats_add_layers_times_less_one_and_twice_is_a_block() -> None:
    meter = Landscape(N, {"p": len})
    blocks.search(meter, BlocksConfig())
    before = sum(meter.bought.values())
    found = repeats.search(meter, RepeatsConfig(times=[3, 2, 2]))
    assert len(found) == len(set(found)) == 2 * N
    assert found[:N] == [grid.layers((k, k + 1), N) for k in range(N)]
    # The doubled layers were blocks already and cost nothing.
    assert sum(meter.bought.values()) - before == 16 * N


def test_extensions_hold_what_insert_blocks_says_and_the_nested_readings() -> None:
    a, b, ab = (2, 4), (4, 6), (2, 6)
    aab = insert_blocks([a], N)
    assert insert_blocks([a, b], N) in beam.extensions(aab, b)
    nested = {parse_layer_map(t) for t in ("0..3,2..5,2..7", "0..3,2..5,2..3,2..7")}
    assert nested <= set(beam.extensions(aab, ab))
    abab = insert_blocks([ab], N)
    assert insert_blocks([ab, a], N) in beam.extensions(abab, a)
    assert parse_layer_map("0..3,2..5,2..7") in beam.extensions(abab, a)
    for block in grid.blocks(N):
        if block != (0, 0):
            plain = grid.layers(block, N)
            assert beam.extensions(tuple(range(N)), block) == [plain]


def test_the_beam_finds_the_sum_of_the_two_best_blocks() -> None:
    def truth(path: Path) -> float:
        return sum(min(path.count(k), 2) for k in (1, 2, 5, 6)) - 0.45 * (len(path) - N)

    meter = Landscape(N, {"p": truth}, noise=0.01)
    measured = blocks.search(meter, BlocksConfig())
    config = BeamConfig(width=4, choices=6, blocks=3)
    found = beam.search(meter, config, measured=measured)
    best = best_first([*measured, *found], standings(meter, [*measured, *found]))[0]
    # Four layers twice and no waste; several orders do that.
    assert truth(best) == truth(insert_blocks([(1, 3), (5, 7)], N))
    assert max(truth(path) for path in measured) < truth(best)
    assert set(meter.bought.values()) == {16}
    assert not set(found) & set(measured) and len(found) == len(set(found))
    assert all(grid.block_of(path, N) is None for path in found)
    again = Landscape(N, {"p": truth}, noise=0.01)
    blocks.search(again, BlocksConfig())
    assert beam.search(again, config, measured=measured) == found
    bounded = config.model_copy(update={"max_extra": 5})
    short = beam.search(meter, bounded, measured=measured)
    assert short and max(len(path) for path in short) <= N + 5


def test_a_beam_over_one_layer_or_over_nothing_ends() -> None:
    meter = Landscape(1, {"p": len})
    measured = blocks.search(meter, BlocksConfig())
    assert measured == [(0,), (0, 0)]
    found = beam.search(meter, BeamConfig(), measured=measured)
    # Twice, then once more or both again, then the same of that.
    assert {len(path) for path in found} == {3, 4, 5, 6, 7, 8}
    assert beam.search(meter, BeamConfig(), measured=[]) == []


def test_paths_that_overflow_rank_nowhere_and_stop_nothing() -> None:
    def truth(path: Path) -> float:
        return float("nan") if path.count(3) > 1 else extra_in(path, 5, 6)

    meter = Landscape(N, {"p": truth})
    measured = blocks.search(meter, BlocksConfig())
    ranked = best_first(measured, standings(meter, measured))
    assert ranked and not any(path.count(3) > 1 for path in ranked)
    assert set(ranked) == {path for path in measured if path.count(3) == 1}
    assert beam.search(meter, BeamConfig(), measured=measured)


def test_what_a_race_left_out_is_told_from_an_overflow() -> None:
    nan = np.nan
    scores = np.array([[1.0, 2.0, nan, nan], [nan, 2.0, nan, nan], [nan] * 4, [1.0, 2.0, 3.0, 4.0]])
    assert seen(scores).tolist() == [
        [True, True, False, False],
        [True, True, False, False],
        [True] * 4,
        [True] * 4,
    ]
