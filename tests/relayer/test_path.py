"""The algebra of layer paths, against naive implementations and David Noel Ng's own semantics."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.errors import UserError
from workbench.relayer.config import RelayerConfig
from workbench.relayer.path import (
    MAX_VISITS,
    describe,
    insert_blocks,
    is_base,
    parse_layer_map,
    resolve,
    seams,
)

N = 12


def relayer(**given_: object) -> RelayerConfig:
    return RelayerConfig.model_validate({"model": "base", **given_})


def block() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, N - 1), st.integers(1, N)).filter(lambda b: b[0] < b[1])


def overlapping(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return bool(set(range(*a)) & set(range(*b)))


def per_layer_runs(n: int, blocks: list[tuple[int, int]], drops: list[tuple[int, int]]) -> list:
    """Independent reading for disjoint blocks: walk the base, repeat each block when it ends."""
    path = []
    for layer in range(n):
        path.append(layer)
        for i, j in blocks:
            if layer == j - 1:
                path += list(range(i, j))
    return [layer for layer in path if not any(i <= layer < j for i, j in drops)]


@given(block())
def test_one_block_is_ngs_definition(b: tuple[int, int]) -> None:
    i, j = b
    assert resolve(relayer(blocks=[[i, j]]), N) == (*range(j), *range(i, N))


def test_rys_xlarge_layout() -> None:
    """(45, 52) on Qwen2-72B's 80 layers: layers 45 to 51 run twice, 87 layers in all."""
    path = resolve(relayer(blocks=[[45, 52]]), 80)
    assert describe(path) == "0..51,45..79"
    assert (len(path), seams(path)) == (87, (52,))


def test_zero_zero_and_nothing_are_the_base() -> None:
    for config in (relayer(blocks=[[0, 0]]), relayer(blocks=[]), relayer(layer_map="..")):
        assert is_base(resolve(config, N), N)
    assert not is_base(resolve(relayer(drop=[[11, 12]]), N), N)


@given(st.lists(block(), max_size=4), st.lists(block(), max_size=2))
def test_blocks_and_drops_are_unambiguous_or_refused(
    blocks: list[tuple[int, int]], drops: list[tuple[int, int]]
) -> None:
    config = relayer(blocks=[list(b) for b in blocks], drop=[list(d) for d in drops])
    clash = any(a != b and overlapping(a, b) for a in blocks for b in blocks) or any(
        overlapping(a, d) for a in blocks for d in drops
    )
    expected = per_layer_runs(N, blocks, drops)
    if clash or not expected:
        with pytest.raises(UserError):
            resolve(config, N)
        return
    assert list(resolve(config, N)) == expected
    for order in permutations(blocks):
        again = relayer(blocks=[list(b) for b in order], drop=[list(d) for d in drops])
        assert list(resolve(again, N)) == expected


@given(block(), block())
def test_overlapping_blocks_are_refused_because_order_matters(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    if a == b or not overlapping(a, b):
        assert insert_blocks([a, b], N) == insert_blocks([b, a], N)
        return
    listed, swapped = insert_blocks([a, b], N), insert_blocks([b, a], N)
    assert listed != swapped
    with pytest.raises(UserError) as caught:
        resolve(relayer(blocks=[list(a), list(b)]), N)
    # The remedy spells out both readings, ready to paste.
    assert repr(describe(listed)) in str(caught.value)
    assert repr(describe(swapped)) in str(caught.value)


def test_drop_inside_a_block_offers_both_readings() -> None:
    with pytest.raises(UserError) as caught:
        resolve(relayer(blocks=[[2, 6]], drop=[[3, 4]]), 8)
    assert "'0..2,4..5,2,4..7'" in str(caught.value)
    assert "'0..5,2,4..7'" in str(caught.value)


@given(st.lists(st.integers(0, N - 1), min_size=1, max_size=40))
def test_text_round_trip_is_canonical(layers: list[int]) -> None:
    path = tuple(layers)
    text = describe(path)
    assert parse_layer_map(text) == path == parse_layer_map(text, N)
    assert describe(parse_layer_map(text)) == text
    assert len(text.split(",")) == len(seams(path)) + 1
    assert resolve(relayer(layer_map=text), N) == path == resolve(relayer(layers=layers), N)


@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), min_size=1, max_size=6))
def test_layer_map_reads_as_exllamav3_does(spans: list[tuple[int, int]]) -> None:
    """Ends included, descending where the second end is smaller."""
    expected: list[int] = []
    for a, b in spans:
        expected += list(range(a, b + 1)) if b >= a else list(range(a, b - 1, -1))
    assert list(parse_layer_map(", ".join(f"{a}..{b}" for a, b in spans), N)) == expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0,1,2,3,4,5,6,4,5,6", (0, 1, 2, 3, 4, 5, 6, 4, 5, 6)),
        ("0..6,4..6", (0, 1, 2, 3, 4, 5, 6, 4, 5, 6)),
        ("0..6,4,5,6", (0, 1, 2, 3, 4, 5, 6, 4, 5, 6)),
        ("..,4..", (0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7)),
        ("..5, 3..", (0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7)),
        ("4..1", (4, 3, 2, 1)),
    ],
)
def test_exllamav3s_documented_forms(text: str, path: tuple[int, ...]) -> None:
    assert parse_layer_map(text, 8) == path


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"blocks": [[3, 9], [7, 7], [5, 2]]}, ["[3, 9]", "[7, 7]", "[5, 2]", "drop: [[2, 5]]"]),
        ({"layers": [0, 8, 9, 8]}, ["layer 8", "layer 9", "0 … 7"]),
        ({"layer_map": "0..5,3-7,,9"}, ["'3-7'", "empty item", "layer 9"]),
        ({"layer_map": "0..999999999"}, ["999999999"]),
        ({"layer_map": ",".join(["0..7"] * 600)}, [str(MAX_VISITS)]),
        ({"layer_map": "0" * 200_000}, ["not a layer"]),
        ({"drop": [[0, 8]]}, ["all 8 layers"]),
    ],
)
def test_wrong_paths_name_every_problem(given_: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        resolve(relayer(**given_), 8)
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_open_ends_need_the_number_of_layers() -> None:
    with pytest.raises(UserError, match="open end"):
        parse_layer_map("..5")
    with pytest.raises(UserError, match="visits"):
        parse_layer_map("0..999999999")


def test_a_path_is_given_one_way() -> None:
    with pytest.raises(ValidationError, match="one way"):
        relayer(blocks=[[1, 2]], layers=[0])
    with pytest.raises(ValidationError, match="one way"):
        relayer()
