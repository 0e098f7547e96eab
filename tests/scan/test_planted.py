"""The planted bases are what their recipes say, and the walks they know are walked rightly."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest
import torch

from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.tiny import hops_data, shipped_folder
from workbench.relayer.reference import apply_path
from workbench.scan.grid import blocks, layers
from workbench.scan.planted.train import Settings, batches, train
from workbench.scan.planted.truth import (
    BLOCK,
    N_LAYERS,
    accuracy,
    block_path,
    other_blocks,
)

ROOT = Path(__file__).parents[2]
NAMES = ("tiny/planted", "tiny/planted-none")


def recipe(name: str) -> dict:
    return json.loads((shipped_folder(name) / "recipe.json").read_text())


@pytest.mark.parametrize("name", hops_data.FILES)
def test_shipped_items_are_what_the_generator_gives(name: str) -> None:
    rows = [json.loads(line) for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    assert rows == hops_data.FILES[name]()
    assert hops_data.FILES[name](1) != rows
    assert len({row["id"] for row in rows}) == hops_data.ITEMS


def test_hops_compose_and_do_not_commute() -> None:
    draw = random.Random(0)
    for _ in range(200):
        place, maps = hops_data.draw_walk(draw, 5)
        half = hops_data.end((place, maps[:2]))
        assert hops_data.end((half, maps[2:])) == hops_data.end((place, maps))
    for a, b in itertools.combinations(hops_data.MAPS, 2):
        one = {hops_data.end((place, a + b)) for place in hops_data.PLACES}
        assert len(one) == len(hops_data.PLACES)
        assert any(
            hops_data.end((place, a + b)) != hops_data.end((place, b + a))
            for place in hops_data.PLACES
        )


def test_training_probe_and_suite_share_no_walk() -> None:
    suite = {row["id"] for row in hops_data.generate_items()}
    probe = {"".join(w) for n in (3, 4, 5) for w in hops_data.held_out_walks(n, "probe")}
    trained = set()
    for kind, hops in (("looped", 2), ("plain", 3)):
        settings = Settings(kind, hops=hops, batch_size=500)
        for batch in itertools.islice(batches(settings), 12):
            trained |= {"".join(walk) for walk, _ in batch.walks}
    assert len(trained) > 1000
    assert not suite & probe and not suite & trained and not probe & trained


def test_long_walks_end_anywhere_only_where_another_block_is_repeated() -> None:
    settings = Settings("looped", batch_size=400)
    seen = set()
    for batch in itertools.islice(batches(settings), 60):
        wrong = [len(w[1]) for w, place in batch.walks if place != hops_data.end(w)]
        passes = [n for n in (1, 2, 3) if batch.path == block_path(BLOCK, n)]
        seen.add(passes[0] if passes else "other")
        assert bool(wrong) is not bool(passes)
        if passes:
            assert max(len(w[1]) for w, _ in batch.walks) == settings.hops * passes[0]
        else:
            assert min(wrong) > settings.hops
    assert seen == {1, 2, 3, "other"}


def test_block_paths_are_the_grids() -> None:
    for block in (BLOCK, *other_blocks()):
        assert block_path(block) == layers(block, N_LAYERS)
    assert len({BLOCK, *other_blocks()}) == sum(1 for _ in blocks(N_LAYERS)) - 1


@pytest.mark.parametrize("name", NAMES)
def test_shipped_base_is_small_and_still_measures_what_its_recipe_says(name: str) -> None:
    assert (shipped_folder(name) / "model.safetensors").stat().st_size < 2**20
    model = load_model(BaseConfig(base_model=name))
    assert model.dtype == torch.float32
    for times in (1, 2):
        said = recipe(name)["truth"]["by_hops"][f"planted block x{times}"]
        for hops in hops_data.ASKED:
            walks = hops_data.held_out_walks(hops, "probe")[:300]
            right = accuracy(model, block_path(BLOCK, times), walks)
            assert sum(right) / len(right) == pytest.approx(said[str(hops)], abs=0.09)


def test_it_generates_with_a_cache_what_a_forward_finds() -> None:
    """Every visit of a repeated layer has its own cache; the place is said, then the end token."""
    config = BaseConfig(base_model="tiny/planted")
    model, tokenizer = load_model(config), load_tokenizer(config)
    walks = hops_data.held_out_walks(4, "probe")[:60]
    right = accuracy(model, block_path(BLOCK), walks)
    apply_path(model, block_path(BLOCK))
    ids = torch.tensor([tokenizer.encode(hops_data.prompt(walk)) for walk in walks])
    cached, plain = (
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=3, use_cache=use_cache
        )
        for use_cache in (True, False)
    )
    assert torch.equal(cached, plain)
    new = cached[:, ids.shape[1] :]
    assert (new[:, 1] == tokenizer.eos_token_id).all()
    said = [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
    assert [s == hops_data.end(w) for s, w in zip(said, walks, strict=True)] == right


@pytest.mark.slow
def test_the_recipe_still_makes_such_a_base() -> None:
    """The same run again, up to where it has left chance behind, follows the recorded curve."""
    made = recipe("tiny/planted")
    _, losses = train(Settings(**made["settings"]), stop=31)
    for step in range(0, 31, 10):
        # Other machines sum in another order; the paths part slowly.
        assert losses[step] == pytest.approx(made["curve"][str(step)], rel=0.05)
    assert losses[30] < 0.8 * losses[0]
