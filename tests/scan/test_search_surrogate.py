"""The surrogate: a planted pair of blocks that the beam cannot reach, and its own record."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.scan.landscape import Landscape
from workbench.relayer.path import Path, insert_blocks
from workbench.scan.config import BeamConfig, BlocksConfig, RacingConfig, SurrogateConfig
from workbench.scan.grid import block_of
from workbench.scan.search import beam, blocks, surrogate
from workbench.scan.search.racing import Racing

N = 12
PLANTED = ((1, 4), (8, 11))


def truth(path: Path) -> float:
    """Half a point for each planted block, less for waste; single blocks between them deceive."""
    block = block_of(path, N)
    if block is not None and block[0] >= 4 and block[1] <= 8:
        return 0.65 + 0.01 * block[0]
    inside = [layer for i, j in PLANTED for layer in range(i, j)]
    counts = np.array([path.count(layer) for layer in range(N)])
    waste = np.where(np.isin(np.arange(N), inside), np.abs(counts - 1.5) - 0.5, abs(counts - 1))
    return float(0.5 * sum((counts[i:j] > 1).mean() for i, j in PLANTED) - 0.1 * waste.sum())


@pytest.mark.parametrize("seed", [200, 201, 202])
def test_it_gets_past_the_beam_towards_a_pair_that_the_beams_blocks_do_not_hold(seed: int) -> None:
    """Not to the very optimum each time.

    On seeds 200 to 211 it came past the beam 12 times of 12 and to the optimum 7 times; as many
    paths drawn at random came past the beam once. With 64 paths a round it was 10 of 12.
    """
    optimum = truth(insert_blocks(PLANTED, N))
    meter = Landscape(N, {"p": truth}, noise=0.1, seed=seed)
    measured = blocks.search(meter, BlocksConfig())
    by_beam = beam.search(meter, BeamConfig(width=4, choices=8), measured=measured)
    reached = max(truth(path) for path in [*measured, *by_beam])
    assert reached < optimum - 0.2
    before = sum(meter.bought.values())
    config = SurrogateConfig(candidates=20_000, measure=32, rounds=3)
    found, record = surrogate.search(meter, config, seed=seed, measured=measured)
    best = max(found, key=truth)
    assert truth(best) > reached and block_of(best, N) is None
    bought = sum(meter.bought.values()) - before
    assert bought == 16 * len(set(found) - set(by_beam)) and len(set(found)) == len(found)
    assert not set(found) & set(measured) and max(map(len, found)) <= 2 * N
    assert [one.measured for one in record.rounds] == [32, 32, 32]
    assert [one.trained_on for one in record.rounds] == [len(measured) + 32 * k for k in range(3)]
    assert 20_000 < record.ranked <= 60_000
    for one in record.rounds:
        assert one.spearman is not None and one.ci95 is not None
        assert one.ci95[0] < one.spearman < one.ci95[1]
    assert json.loads(json.dumps(record.as_dict()))["ranked"] == record.ranked


def test_it_is_the_same_for_the_same_seed_and_keeps_to_max_extra_and_to_a_race() -> None:
    config = SurrogateConfig(candidates=3000, measure=8, rounds=2, max_extra=3)

    def run(seed: int) -> list[Path]:
        racing = Racing(
            Landscape(N, {"p": truth}, noise=0.3, items=32),
            RacingConfig(first=4),
            seed=0,
            base_path=tuple(range(N)),
        )
        measured = blocks.search(racing, BlocksConfig())
        return surrogate.search(racing, config, seed=seed, measured=measured)[0]

    assert run(1) == run(1) != run(2)
    assert max(len(path) for path in run(1)) <= N + 3


def test_it_learns_to_keep_off_paths_that_overflow() -> None:
    def half(path: Path) -> float:
        return float("nan") if path.count(3) > 1 else truth(path)

    meter = Landscape(N, {"p": half}, noise=0.1)
    measured = blocks.search(meter, BlocksConfig())
    config = SurrogateConfig(candidates=3000, measure=16, rounds=2)
    found, record = surrogate.search(meter, config, seed=0, measured=measured)
    before = np.mean([path.count(3) > 1 for path in measured])
    assert np.mean([path.count(3) > 1 for path in found]) < before / 2
    assert len(record.rounds) == 2


@pytest.mark.parametrize("value", [1.0, float("nan")])
def test_nothing_to_learn_from_measures_nothing(value: float) -> None:
    meter = Landscape(3, {"p": lambda path: value})
    measured = blocks.search(meter, BlocksConfig())
    found, record = surrogate.search(meter, SurrogateConfig(), seed=0, measured=measured)
    assert found == [] and record.rounds == [] and record.ranked == 0


def test_a_model_of_one_layer_runs_out_of_paths() -> None:
    meter = Landscape(1, {"p": lambda path: -float(len(path))})
    measured = blocks.search(meter, BlocksConfig())
    config = SurrogateConfig(candidates=500, measure=8, rounds=3, max_extra=4)
    found, record = surrogate.search(meter, config, seed=0, measured=measured)
    assert sorted(found) == [(0,) * 3, (0,) * 4, (0,) * 5]
    assert len(record.rounds) == 1
