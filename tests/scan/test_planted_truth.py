"""The planted bases, asked by the probe: the known block wins in one, and nothing in the other.

Every path is run by a naive forward of its own; the scheduler's test is that it finds the same.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.tiny import hops_data
from workbench.scan.grid import BASE, blocks, layers
from workbench.scan.planted.truth import BLOCK, N_LAYERS, Runner
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.probe import Probe, find_probe
from workbench.scan.schedule.request import Generation, Reply

ITEMS = 320


def scores(name: str, split: str, grid: list[tuple[int, int]], **options: object) -> np.ndarray:
    """Accuracy of each block on each item of the probe ``hops``: [blocks, items]."""
    probe = find_probe("hops", options)
    config = BaseConfig(base_model=name)
    runner = Runner(load_model(config))
    encoder = Encoder(load_tokenizer(config), chat=True)
    items = probe.items(ITEMS, seed=0, split=split)
    # All lengths of walk apart: no padding, so that nothing but the path differs from a plain run.
    found = np.full((len(grid), len(items)), np.nan)
    for length in {len(item.id) for item in items}:
        at = [n for n, item in enumerate(items) if len(item.id) == length]
        asked = [probe.ask(items[n], encoder)[0] for n in at]
        ids = torch.tensor([reading.tokens for reading in asked])
        for row, block in enumerate(grid):
            with torch.no_grad():
                logits = runner.along(layers(block, N_LAYERS))(ids, use_cache=False).logits
            logprobs = logits.log_softmax(-1)
            for n, reading, lines in zip(at, asked, logprobs, strict=True):
                found[row, n] = answer(probe, items[n], reading, lines)
    return found


def answer(probe: Probe, item: object, reading: object, lines: torch.Tensor) -> float:
    place = reading.positions[0]
    told = tuple(lines[place, list(reading.targets[0])].tolist())
    return probe.score(item, [Reply((told,), (int(lines[place].argmax()),))])["accuracy"]


def paired_interval(gain: np.ndarray) -> tuple[float, float]:
    half = 1.96 * gain.std(ddof=1) / math.sqrt(len(gain))
    return gain.mean() - half, gain.mean() + half


@pytest.mark.parametrize("split", ["search", "held-out"])
def test_the_planted_block_wins_by_far(split: str) -> None:
    grid = list(blocks(N_LAYERS))
    found = scores("tiny/planted", split, grid)
    means = dict(zip(grid, found.mean(1), strict=True))
    assert means[BLOCK] >= 0.95
    assert means[BLOCK] - means[BASE] > 0.15
    second = max(value for block, value in means.items() if block != BLOCK)
    assert means[BLOCK] - second > 0.1


def test_no_block_beats_the_base_that_has_none() -> None:
    grid = list(blocks(N_LAYERS))
    found = np.concatenate(
        [scores("tiny/planted-none", split, grid) for split in ("search", "held-out")], axis=1
    )
    base, rest = found[0], found[1:]
    assert 0.3 < base.mean() < 0.9
    intervals = [paired_interval(row - base) for row in rest]
    # Of 36 intervals at 95% about one lies above 0 by chance; a gain worth having lies in none.
    assert sum(low > 0 for low, _ in intervals) <= 2
    assert np.median([high for _, high in intervals]) < 0.05
    assert max(rest.mean(1)) - base.mean() < 0.03


def test_choice_and_likelihood_agree_where_the_answer_is_certain() -> None:
    grid = [BASE, BLOCK]
    choice = scores("tiny/planted", "search", grid, ask="choice")
    likelihood = scores("tiny/planted", "search", grid)
    # Whoever is likeliest of all places is likeliest of any four.
    assert (choice >= likelihood).all()
    assert choice[0].mean() > 1 / 4


def test_questions_answers_and_overflow() -> None:
    encoder = Encoder(load_tokenizer(BaseConfig(base_model="tiny/planted")), chat=True)
    assert not encoder.chat
    probe = find_probe("hops", {})
    item = probe.items(1, seed=3, split="search")[0]
    reading = probe.ask(item, encoder)[0]
    assert encoder.text(reading.tokens) == item.prompt
    assert [encoder.text([t]) for t in reading.targets[0]] == list(hops_data.PLACES)
    nothing = probe.score(item, [Reply(((math.nan,) * 16,), (-1,))])
    assert all(math.isnan(value) for value in nothing.values())
    even = probe.score(item, [Reply(((-math.log(16),) * 16,), (0,))])
    assert even == {"accuracy": 0.0, "logprob": pytest.approx(-math.log(16))}

    guess = find_probe("hops", {"ask": "guess"})
    assert isinstance(guess.ask(item, encoder), Generation)
    assert guess.score(item, item.answer)["accuracy"] == 1.0
    assert guess.score(item, "")["accuracy"] == 0.0
    assert guess.score(item, item.answer + "A")["accuracy"] == 0.0


@pytest.mark.parametrize("hops", [(3, 4), (5,)])
def test_splits_are_disjoint_and_evenly_long(hops: tuple[int, ...]) -> None:
    probe = find_probe("hops", {"hops": list(hops)})
    search = probe.items(320, seed=5, split="search")
    held_out = probe.items(320, seed=5, split="held-out")
    assert len(search) == len(held_out) == 320
    assert not {item.id for item in search} & {item.id for item in held_out}
    assert all(sum(len(i.id) - 1 == n for i in search) == 320 / len(hops) for n in hops)
    for item in search[:50]:
        assert hops_data.end((item.id[0], item.id[1:])) == item.answer
