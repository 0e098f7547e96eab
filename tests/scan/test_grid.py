"""The grid of blocks against the published count and the relayer's own reading of a block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.bases.catalogue import lookup
from workbench.relayer.config import RelayerConfig
from workbench.relayer.path import resolve
from workbench.scan import grid


def test_the_published_scan_had_3241_configurations() -> None:
    qwen = lookup("Qwen/Qwen2-72B")
    assert qwen is not None and qwen.layers is not None
    assert grid.count(qwen.layers) == 3241


@given(st.integers(1, 40))
def test_every_block_once_and_as_many_as_counted(n: int) -> None:
    found = list(grid.blocks(n))
    assert len(found) == len(set(found)) == grid.count(n)
    assert found[0] == grid.BASE


@given(st.integers(1, 12))
def test_no_two_blocks_are_the_same_path_and_relayer_agrees(n: int) -> None:
    paths = {block: grid.layers(block, n) for block in grid.blocks(n)}
    # (i, j) and another block may not give one path: each repeats another stretch.
    assert len(set(paths.values())) == len(paths)
    for block, path in paths.items():
        assert path == resolve(RelayerConfig(model="m", blocks=[list(block)]), n)


@given(st.integers(1, 30))
def test_costs_are_the_lengths_of_the_paths(n: int) -> None:
    lengths = [len(grid.layers(block, n)) for block in grid.blocks(n)]
    assert grid.layer_passes(n, shared=False) == sum(lengths)
    assert grid.layer_passes(n, shared=True) <= grid.layer_passes(n, shared=False)


def test_sharing_prefixes_halves_the_work_of_a_deep_model() -> None:
    ratio = grid.layer_passes(80, shared=False) / grid.layer_passes(80, shared=True)
    assert ratio == pytest.approx(2.0, abs=0.01)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one layer"):
        grid.count(0)
    with pytest.raises(ValueError, match="does not lie"):
        grid.layers((3, 9), 8)
