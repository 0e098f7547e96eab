"""Checkpoints that others made: their figures against the shape that they are said to have."""

from __future__ import annotations

import pytest

from workbench.bases.catalogue import entries, lookup
from workbench.bases.config import BaseConfig
from workbench.bases.derived import derived, known
from workbench.recipe.catalogued import base_dimensions, sketch
from workbench.recipe.sizes import base_size, dimensions

#: Norms and the biases of queries, keys and values, in units of the hidden size a layer.
QWEN2_EXTRAS = 2 + 1 + 2 * 8 / 64


@pytest.mark.parametrize("made", derived(), ids=lambda made: made.hub_id)
def test_it_is_no_entry_of_the_catalogue_but_known(made: object) -> None:
    from workbench.bases.derived import Derived

    assert isinstance(made, Derived)
    assert lookup(made.hub_id) is None and made.hub_id not in {e.hub_id for e in entries()}
    entry, origin = known(made.hub_id.upper()), lookup(made.of)
    assert entry is not None and origin is not None
    assert (entry.hub_id, entry.licence) == (made.hub_id, origin.licence)
    base = BaseConfig(base_model=made.hub_id)
    size = base_size(base, sketch(base))
    dims = base_dimensions(sketch(base), size)
    assert size is not None and dims is not None and size.parameters == made.parameters
    if made.rounded:
        # The number of layers is a guess from the round figure, and no ground to refuse on.
        assert dimensions(sketch(base)) is None and dims.guessed
        assert dims.linear_parameters + dims.embedding_parameters == pytest.approx(
            made.parameters, rel=0.01
        )
        return
    # Exactly, of Qwen2's architecture: weights, biases and norms of every layer, and the last norm.
    extras = round(dims.layers * QWEN2_EXTRAS * dims.hidden) + dims.hidden
    assert dims.linear_parameters + dims.embedding_parameters + extras == made.parameters


def test_the_published_sizes() -> None:
    """Millions of parameters as requests for leaderboards state them (datasets/OALL/requests)."""
    published = {
        "MaziyarPanahi/calme-2.1-qwen2-72b": 72_699,
        "dnhkng/RYS-XLarge": 77_965,
        "MaziyarPanahi/calme-2.1-rys-78b": 77_965,
        "MaziyarPanahi/calme-2.4-rys-78b": 77_965,
    }
    for hub_id, millions in published.items():
        entry = known(hub_id)
        assert entry is not None and entry.parameters is not None
        assert entry.parameters // 1_000_000 == millions


def test_float32_files_take_twice_the_disk() -> None:
    sizes = [
        base_size(base, sketch(base))
        for base in (
            BaseConfig(base_model="dnhkng/RYS-XLarge"),
            BaseConfig(base_model="MaziyarPanahi/calme-2.1-rys-78b"),
        )
    ]
    assert [size.stored_bytes for size in sizes if size] == [2, 4]
