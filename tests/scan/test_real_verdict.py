"""The verdict on simulated scans whose truth is known, and on scans with little to say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.scan.real_simulation import LAYERS, all_paths, simulate, with_scores
from workbench.relayer.path import Path, describe
from workbench.scan import grid
from workbench.scan.judge.curse import winners_curse
from workbench.scan.judge.gains import combined_gains, map_units, probe_gains
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.reasons import _luck
from workbench.scan.judge.result import build_result
from workbench.scan.judge.verdict import Judged, judge
from workbench.scan.judge.winners import candidates, choose_winners

PATHS = all_paths()
BASE = PATHS[0]
KINDS = {"graded": False, "exact": True}


def _probes(
    generator: np.random.Generator,
    effects: Sequence[float],
    items: int,
    paths: Sequence[Path] = PATHS,
    split: str = "search",
) -> list[ProbeScores]:
    return [
        simulate(
            generator, effects, items=items, name=n, right_or_wrong=rw, split=split, paths=paths
        )
        for n, rw in KINDS.items()
    ]


def _held_out(
    generator: np.random.Generator, search: list[ProbeScores], effects: Sequence[float], items: int
) -> list[ProbeScores]:
    paths = choose_winners(search, BASE, 8)
    effect = dict(zip(search[0].paths, effects, strict=True))
    return _probes(generator, [effect[path] for path in paths], items, paths, "held-out")


def _judged(generator: np.random.Generator, effects: Sequence[float]) -> Judged:
    search = _probes(generator, effects, 64)
    gains = [probe_gains(probe, 0) for probe in search]
    units = dict(zip(KINDS, map_units(search, gains), strict=True))
    judged = judge(_held_out(generator, search, effects, 256), units, BASE)
    assert judged is not None
    return judged


def _result(search: list[ProbeScores], held_out: list[ProbeScores], **change: Any) -> Any:
    paths = search[0].paths
    found_by = dict.fromkeys(paths, "blocks") | {paths[0]: "base"}
    result = build_result(
        search,
        held_out,
        **{"n_layers": LAYERS, "seed": 0, "base": BASE, "winners": 8, "found_by": found_by}
        | change,
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def test_nothing_planted_nothing_found() -> None:
    generator = np.random.default_rng(0)
    found = sum(_judged(generator, np.zeros(37)).best is not None for _ in range(200))
    assert found <= 10


def test_a_planted_path_is_found() -> None:
    generator = np.random.default_rng(1)
    effects = np.zeros(37)
    effects[12] = 0.6
    found = 0
    for _ in range(100):
        judged = _judged(generator, effects)
        found += judged.best is not None and judged.paths[judged.best] == PATHS[12]
    assert found > 95


def test_the_expected_luck_is_the_luck_there_is_and_held_out_gains_have_none() -> None:
    """36 correlated paths as good as the base: what the best gains on search items is all luck."""
    generator = np.random.default_rng(2)
    expected, luck, again, covered = [], [], [], []
    for seed in range(150):
        search = _probes(generator, np.zeros(37), 64)
        gains = [probe_gains(probe, 0) for probe in search]
        units = map_units(search, gains)
        total = combined_gains(search, gains, units, 0)
        clean = candidates(search, 0)
        best = int(np.argmax(np.where(clean, total.gain, -np.inf)))
        curse = winners_curse(search, units, 0, clean, seed=seed)
        assert curse is not None and curse.of == 36
        expected.append(curse.expected)
        covered.append(curse.ci95)
        luck.append(total.gain[best])
        held = _probes(generator, [0, 0], 64, [BASE, PATHS[best]], "held-out")
        held_gains = [probe_gains(probe, 0) for probe in held]
        again.append(combined_gains(held, held_gains, units, 0).gain[1])
    truth = float(np.mean(luck))
    error = np.hypot(np.std(luck), np.std(expected)) / np.sqrt(150)
    assert truth > 1
    assert abs(np.mean(expected) - truth) < 3 * error
    assert np.mean([low <= truth <= high for low, high in covered]) >= 0.9
    assert abs(np.mean(again)) < 3 * np.std(again) / np.sqrt(150)


def test_a_path_far_ahead_is_no_luck() -> None:
    effects = np.zeros(37)
    effects[9] = 3.0
    search = _probes(np.random.default_rng(3), effects, 64)
    gains = [probe_gains(probe, 0) for probe in search]
    curse = winners_curse(search, map_units(search, gains), 0, candidates(search, 0), seed=0)
    assert curse is not None and abs(curse.expected) < 0.1 and curse.ci95[0] < 0 < curse.ci95[1]


def test_winners_are_clean_and_the_front_is_among_them() -> None:
    generator = np.random.default_rng(4)
    effects = np.array([len(path) - LAYERS for path in PATHS]) / 4
    search = _probes(generator, effects, 64)
    overflowing = PATHS.index(max(PATHS, key=len))
    scores = search[0].scores["score"].copy()
    scores[overflowing, 0] = np.nan
    search[0] = with_scores(search[0], scores, search[0].measured)
    winners = choose_winners(search, BASE, 8)
    assert winners[0] == BASE and PATHS[overflowing] not in winners
    assert 8 < len(winners) - 1 <= 16 and len(set(winners)) == len(winners)
    # Longer is better here: the front is the best path of nearly every length.
    assert len({len(path) for path in winners[1:]}) >= 5


def test_the_whole_result_of_a_scan_with_a_planted_path() -> None:
    generator = np.random.default_rng(5)
    effects = np.zeros(37)
    effects[12] = 1.0
    search = _probes(generator, effects, 64)
    result = _result(search, _held_out(generator, search, effects, 256))
    name = describe(PATHS[12])
    assert result["verdict"]["best"] == name
    assert (
        name in result["verdict"]["sentence"] and "beats the base" in result["verdict"]["sentence"]
    )
    winner = result["winners"][0]
    assert winner["path"] == name and winner["confirmed"]
    assert winner["combined"]["p"] <= winner["combined"]["p_adjusted"] < 0.05
    assert winner["combined"]["ci95"][0] > 0
    assert set(winner["held_out"]) == set(KINDS)
    measured = result["paths"][12]
    assert grid.layers(tuple(measured["block"]), LAYERS) == PATHS[12]
    assert measured["extra"] == len(PATHS[12]) - LAYERS
    shrunk = result["shrinkage"]
    assert shrunk["difference"] == pytest.approx(shrunk["search"] - shrunk["held_out"])
    assert shrunk["ratio"] == pytest.approx(shrunk["held_out"] / shrunk["search"])
    assert shrunk["held_out"] == pytest.approx(winner["combined"]["gain"])
    assert result["discoveries"]["of"] == 36 and result["discoveries"]["count"] >= 1
    assert result["discoveries"]["best"]["family_wise_p"] < 0.05
    sources = {point["source"] for point in result["pareto"]}
    assert sources == {"held_out", "search"}
    assert result == _result(search, _held_out_again(search, effects))


def _held_out_again(search: list[ProbeScores], effects: Sequence[float]) -> list[ProbeScores]:
    generator = np.random.default_rng(5)
    _probes(generator, effects, 64)
    return _held_out(generator, search, effects, 256)


def test_a_shorter_path_as_good_is_mentioned() -> None:
    short, long = sorted((PATHS[9], PATHS[14]), key=len)
    effects = np.zeros(37)
    effects[[9, 14]] = 1.0
    seen = set()
    for seed in range(12):
        judged = _judged(np.random.default_rng(seed), effects)
        assert judged.best is not None
        best = judged.paths[judged.best]
        seen.add(best)
        if best == short:
            assert judged.shorter is None
        elif judged.shorter is not None:
            assert judged.paths[judged.shorter] == short
            seen.add("mentioned")
    assert seen == {short, long, "mentioned"}


def test_nothing_planted_is_said_plainly() -> None:
    generator = np.random.default_rng(6)
    search = _probes(generator, np.zeros(37), 64)
    result = _result(search, _held_out(generator, search, np.zeros(37), 256))
    assert result["verdict"]["best"] is None
    assert result["verdict"]["sentence"].startswith("No path beats the base: of ")
    assert "256 of graded" in result["verdict"]["sentence"]


def test_without_held_out_items_nothing_is_judged() -> None:
    effects = np.zeros(37)
    effects[12] = 2.0
    search = _probes(np.random.default_rng(7), effects, 64)
    result = _result(search, [])
    assert result["verdict"]["best"] is None
    assert result["verdict"]["sentence"].startswith("Not judged")
    assert result["shrinkage"] is None
    assert result["winners"] and not any(w["confirmed"] for w in result["winners"])
    assert {point["source"] for point in result["pareto"]} == {"search"}


def test_a_model_of_one_layer() -> None:
    generator = np.random.default_rng(8)
    paths = [(0,), (0, 0)]
    search = _probes(generator, [0, -1], 16, paths)
    held = _probes(generator, [0, -1], 32, paths, "held-out")
    result = _result(search, held, n_layers=1, base=(0,))
    assert result["verdict"]["sentence"].startswith("No path beats the base")
    assert result["paths"][1]["block"] == [0, 1] and result["paths"][1]["repeat"] == [0, 2]
    assert result["curse"]["expected"] is None


@pytest.mark.parametrize("base_too", [False, True])
def test_all_paths_overflow(base_too: bool) -> None:
    search = []
    for probe in _probes(np.random.default_rng(9), np.zeros(37), 16):
        scores = probe.scores["score"].copy()
        scores[0 if base_too else 1 :] = np.nan
        search.append(with_scores(probe, scores, probe.measured))
    assert choose_winners(search, BASE, 8) == [BASE]
    held = _probes(np.random.default_rng(9), [0], 16, [BASE], "held-out")
    result = _result(search, held)
    assert result["verdict"]["best"] is None and result["winners"] == []
    assert result["verdict"]["sentence"].startswith("No path beats the base")
    one = result["paths"][5]["scores"]["graded"]
    assert one["score"] is None and one["ci95"] is None and one["overflow"] == 16
    assert (one["gain"] is None) == base_too
    assert one["gain"] is None or one["gain"] < 0


def test_a_probe_on_which_all_paths_are_equal_adds_nothing() -> None:
    generator = np.random.default_rng(10)
    search = _probes(generator, np.zeros(37), 32)
    flat = with_scores(search[0], np.full((37, 32), 0.25), search[0].measured)
    result = _result([flat, search[1]], [])
    assert all(entry["z"]["graded"] == 0 for entry in result["paths"])
    assert result["paths"][3]["scores"]["graded"]["gain_ci95"] == [0.0, 0.0]
    assert any(entry["combined"] for entry in result["paths"])
    only = _result([flat], [])
    assert all(entry["combined"] == 0 for entry in only["paths"])


def test_a_winner_that_overflows_on_held_out_items_is_not_confirmed() -> None:
    generator = np.random.default_rng(12)
    effects = np.zeros(37)
    effects[12] = 2.0
    search = _probes(generator, effects, 64)
    held = _held_out(generator, search, effects, 128)
    row = list(held[0].paths).index(PATHS[12])
    scores = held[0].scores["score"].copy()
    scores[row, 5] = np.nan
    held[0] = with_scores(held[0], scores, held[0].measured)
    result = _result(search, held)
    assert result["verdict"]["best"] is None
    assert result["winners"][0]["held_out"]["graded"]["overflow"] == 1
    assert result["winners"][0]["combined"]["p_adjusted"] < 0.05
    assert "1 path overflowed on held-out items" in result["verdict"]["reason"]


def test_raced_out_paths_are_shown_and_cannot_win() -> None:
    effects = np.zeros(37)
    effects[12] = 3.0
    search = []
    for probe in _probes(np.random.default_rng(11), effects, 64):
        measured = probe.measured.copy()
        measured[10:20, 8:] = False
        search.append(with_scores(probe, probe.scores["score"], measured))
    result = _result(search, [])
    assert result["paths"][12]["raced"] is True and "raced" not in result["paths"][5]
    assert result["paths"][12]["scores"]["exact"]["n"] == 8
    assert describe(PATHS[12]) not in {winner["path"] for winner in result["winners"]}


@pytest.mark.parametrize(
    ("gain", "expected", "words"),
    [
        (0.0, 3.0, "."),
        (1.0, None, "."),
        (1.0, 0.25, ", about 0.25 of it expected to be luck."),
        (1.0, -0.1, ", about 0.00 of it expected to be luck."),
        (1.0, 3.0, ", no more than luck is expected to give."),
    ],
)
def test_luck_is_never_said_to_be_more_than_all_of_a_gain(gain, expected, words):
    assert _luck(gain, expected) == words
