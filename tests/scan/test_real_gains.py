"""Gains, intervals and p values: against scipy, ``compare``, and known truths."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.scan.real_simulation import all_paths, simulate, with_scores
from workbench.compare.differences import mcnemar, tango
from workbench.compare.ranks import rank_agreement
from workbench.scan.judge.combine import combined
from workbench.scan.judge.discoveries import family_wise, holm, q_values
from workbench.scan.judge.gains import Gains, combined_gains, map_units, probe_gains
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.pareto import front
from workbench.scan.judge.pooled import influence
from workbench.scan.judge.winners import candidates

PATHS = all_paths()


def _both(
    generator: np.random.Generator, effects: np.ndarray, items: int = 64
) -> list[ProbeScores]:
    return [
        simulate(generator, effects, items=items, name="graded"),
        simulate(generator, effects, items=items, name="exact", right_or_wrong=True),
    ]


def _total(probes: list[ProbeScores]) -> tuple[list[float], Gains]:
    gains = [probe_gains(probe, 0) for probe in probes]
    units = map_units(probes, gains)
    return units, combined_gains(probes, gains, units, 0)


def test_one_path_at_a_time_gives_the_same() -> None:
    graded, exact = _both(np.random.default_rng(0), np.linspace(-1, 1, 37), items=40)
    all_graded, all_exact = probe_gains(graded, 0), probe_gains(exact, 0)
    for row in range(1, 37):
        differences = graded.scores["score"][row] - graded.scores["score"][0]
        test = stats.ttest_1samp(differences, 0)
        assert all_graded.gain[row] == pytest.approx(differences.mean())
        assert all_graded.ci95(row) == pytest.approx(list(test.confidence_interval(0.95)))
        assert all_graded.p[row] == pytest.approx(test.pvalue)
        change = exact.scores["score"][row] - exact.scores["score"][0]
        gained, lost = int((change > 0).sum()), int((change < 0).sum())
        assert all_exact.ci95(row) == pytest.approx(list(tango(gained, lost, 40)))
        assert all_exact.p[row] == pytest.approx(mcnemar(gained, lost))
        one_sided = stats.binomtest(gained, gained + lost, alternative="greater").pvalue
        assert all_exact.above[row] == pytest.approx(one_sided)


def test_combined_is_what_searches_rank_by() -> None:
    probes = _both(np.random.default_rng(1), np.linspace(-1, 1, 37))
    scores = {probe.name: probe.scores["score"] for probe in probes}
    ranked = combined(scores, {name: values[0] for name, values in scores.items()})
    assert _total(probes)[1].gain == pytest.approx(ranked)
    by_hand = [
        (values - values[0]).mean(axis=1) / (values - values[0]).mean(axis=1).std()
        for values in scores.values()
    ]
    assert ranked == pytest.approx(np.mean(by_hand, axis=0))


def test_searches_rank_overflow_below_everything_and_constants_at_nothing() -> None:
    scores = np.random.default_rng(0).random((4, 6))
    scores[2, 3] = np.nan
    flat = np.full((4, 6), 0.5)
    ranked = combined({"a": scores, "flat": flat}, {"a": scores[0], "flat": flat[0]})
    assert ranked[2] == -np.inf and np.isfinite(np.delete(ranked, 2)).all()
    assert combined({"flat": flat}, {"flat": flat[0]}) == pytest.approx(np.zeros(4))


@pytest.mark.parametrize("items", [16, 64, 512])
@pytest.mark.parametrize("right_or_wrong", [False, True])
@pytest.mark.parametrize("effect", [0.0, 0.5])
def test_intervals_cover_as_often_as_they_say(
    items: int, right_or_wrong: bool, effect: float
) -> None:
    generator = np.random.default_rng(items)
    two = PATHS[:2]

    def draw(count: int) -> ProbeScores:
        return simulate(
            generator, [0, effect], items=count, right_or_wrong=right_or_wrong, paths=two
        )

    long = draw(400_000).scores["score"]
    truth = float((long[1] - long[0]).mean())
    repeats = 800
    # Samples one after the other as rows: the base of each is its own, so that none is shared.
    pairs = draw(items * repeats).scores["score"].reshape(2, repeats, items)
    covered = 0
    for k in range(repeats):
        probe = with_scores(draw(items), pairs[:, k], np.ones((2, items), bool))
        low, high = probe_gains(probe, 0).ci95(1) or (np.nan, np.nan)
        covered += low <= truth <= high
    assert 0.93 <= covered / repeats <= 0.98


def test_combined_interval_covers_and_counts_a_shared_item_once() -> None:
    """The same items under two labels say no more than under one."""
    generator = np.random.default_rng(2)
    apart, together = 0, 0
    for _ in range(300):
        graded, exact = _both(generator, np.zeros(37), items=24)
        twin = replace(graded, name="twin")
        units = [0.05, 0.05]
        pair = [probe_gains(graded, 0), probe_gains(exact, 0)]
        ci95 = combined_gains([graded, exact], pair, units, 0).ci95(7)
        assert ci95 is not None
        apart += ci95[0] <= 0 <= ci95[1]
        same = [probe_gains(graded, 0)] * 2
        total = combined_gains([graded, twin], same, units, 0)
        together += total.low[7] <= 0 <= total.high[7]
        alone = combined_gains([graded], same[:1], units[:1], 0)
        assert total.low == pytest.approx(alone.low)
        assert total.p == pytest.approx(alone.p)
    assert 0.91 <= apart / 300 <= 0.985
    assert 0.91 <= together / 300 <= 0.985


def test_what_never_differs_is_not_a_point() -> None:
    scores = np.tile(np.linspace(0.2, 0.9, 16), (2, 1))
    probe = with_scores(
        simulate(np.random.default_rng(0), [0, 0], items=16, paths=PATHS[:2]),
        scores,
        np.ones((2, 16), bool),
    )
    gains = probe_gains(probe, 0)
    low, high = tango(0, 0, 16)
    assert gains.ci95(1) == pytest.approx([0.7 * low, 0.7 * high])
    assert gains.p[1] == 1.0 and gains.above[1] == 1.0
    # The same gain on each of four items: no surer than four tosses of a coin.
    scores[1, :4] += 0.1
    assert probe_gains(with_scores(probe, scores, probe.measured), 0).above[1] >= 0.5**4


def test_overflow_is_the_worst_score_and_holes_are_no_score() -> None:
    probe = simulate(np.random.default_rng(3), np.zeros(5), items=20, paths=PATHS[:5])
    scores, measured = probe.scores["score"].copy(), probe.measured.copy()
    expected = scores.copy()
    scores[1, 3] = np.nan
    expected[1, 3] = np.delete(scores[:, 3], 1).min()
    measured[2, 10:] = False
    scores[2, 10:] = np.nan
    holed = with_scores(probe, scores, measured)
    gains = probe_gains(holed, 0)
    assert gains.gain[1] == pytest.approx((expected[1] - expected[0]).mean())
    assert gains.gain[2] == pytest.approx((expected[2, :10] - expected[0, :10]).mean())
    assert list(gains.n) == [20, 20, 10, 20, 20]
    assert list(candidates([holed], 0)) == [False, False, False, True, True]


def test_false_discoveries_and_the_best_of_many_keep_their_rates() -> None:
    generator = np.random.default_rng(4)
    effects = np.zeros(37)
    effects[5:10] = 0.8
    false, power, fooled = [], [], 0
    for seed in range(150):
        q = q_values(_total(_both(generator, effects))[1].above[1:])
        found = q <= 0.05
        wrong = found & (effects[1:] == 0)
        false.append(wrong.sum() / max(found.sum(), 1))
        power.append(found[effects[1:] > 0].mean())
        probes = _both(generator, np.zeros(37))
        units, _ = _total(probes)
        items = influence(probes, 0, [0.5 / unit for unit in units])
        p = family_wise(items, candidates(probes, 0), seed=seed, flips=400)
        fooled += np.nanmin(p) <= 0.05
    assert np.mean(false) <= 0.05
    assert np.mean(power) > 0.5
    assert 0.005 <= fooled / 150 <= 0.1


def test_family_wise_p_is_the_share_of_all_sign_flips() -> None:
    generator = np.random.default_rng(5)
    rows = generator.normal(0.4, 1, (4, 10))
    statistic = rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))
    signs = 1 - 2 * ((np.arange(1024)[:, None] >> np.arange(10)) & 1)
    best = (signs @ statistic.T).max(axis=1)
    exact = [(best >= seen - 1e-12).mean() for seen in statistic.sum(axis=1)]
    p = family_wise(rows, np.ones(4, bool), seed=0, flips=20_000)
    assert p == pytest.approx(np.array(exact), abs=0.015)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_librarys(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    values = np.array([*p, np.nan])
    assert holm(values)[:-1] == pytest.approx(multipletests(p, method="holm")[1])
    assert np.isnan(holm(values)[-1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-4, 4)), min_size=1, max_size=12))
def test_front_is_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    extra, gain = (np.array(x) for x in zip(*points, strict=True))
    rows = front(extra, gain.astype(float), np.ones(len(points), bool))
    undominated = {
        (e, g)
        for e, g in points
        if not any((f <= e and h >= g and (f, h) != (e, g)) for f, h in points)
    }
    assert {(extra[row], gain[row]) for row in rows} == undominated
    assert len(rows) == len(undominated)


def test_rank_agreement_is_scipys_and_covers() -> None:
    generator = np.random.default_rng(6)
    a, b = generator.integers(0, 9, 40), generator.integers(0, 9, 40).astype(float)
    b[0] = np.nan
    found = rank_agreement(a, b)
    assert found.n == 39
    assert found.spearman == pytest.approx(stats.spearmanr(a[1:], b[1:]).statistic)
    # Spearman's correlation of a bivariate normal is 6/pi asin(rho/2).
    rho, covered = 0.6, 0
    truth = 6 / np.pi * np.arcsin(rho / 2)
    for _ in range(500):
        x = generator.normal(size=37)
        y = rho * x + np.sqrt(1 - rho * rho) * generator.normal(size=37)
        low, high = rank_agreement(x, y).ci95 or (np.nan, np.nan)
        covered += low <= truth <= high
    assert 0.92 <= covered / 500 <= 0.98
    assert rank_agreement([1, 2, 3], [1, 1, 1]).spearman is None
    perfect = rank_agreement(range(10), range(10))
    assert perfect.spearman == pytest.approx(1)
    assert perfect.ci95 is not None and perfect.ci95[0] < 0.99


def test_a_full_scan_of_80_layers_takes_moments() -> None:
    effects = np.zeros(3241)
    probe = simulate(
        np.random.default_rng(0), effects, items=64, right_or_wrong=True, paths=all_paths(80)
    )
    started = time.process_time()
    probe_gains(probe, 0)
    assert time.process_time() - started < 2
