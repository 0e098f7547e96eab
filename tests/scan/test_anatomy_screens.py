"""Screens on maps whose relation to a figure is known."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from workbench.scan.anatomy.screens import block_means, measured_gains, screen

N = 12
BLOCKS = list(itertools.combinations(range(N + 1), 2))


def rows(gains):
    base = {"path": "0..11", "block": [0, 0], "combined": 0.0}
    repeat = {"path": "0..11", "block": None, "combined": 9.0}
    return [base, repeat, *({"block": list(b), "combined": g} for b, g in gains.items())]


def of(found, figure):
    return next(each for each in found if each["figure"] == figure)


def test_block_means_by_hand():
    row = np.array([1.0, np.nan, 4.0, 6.0])
    means = block_means(row)
    assert means[2, 4] == 5 and means[0, 1] == 1 and means[2, 3] == 4
    assert np.isnan([means[0, 2], means[1, 2], means[1, 4], means[3, 3], means[3, 2]]).all()


def test_a_figure_that_makes_the_map_is_perfect():
    influence = np.random.default_rng(0).random(N)
    gains = {(i, j): float(np.exp(-influence[i:j].mean())) for i, j in BLOCKS}
    found = screen({"layers": {"block influence": influence.tolist()}}, rows(gains))
    best = max(gains, key=gains.__getitem__)
    first = found[0]
    assert first["figure"] == "low block influence" and first["prefers"] == "low"
    assert first["spearman"] == pytest.approx(1.0) and first["n"] == len(BLOCKS)
    assert first["top_block"] == list(best)
    assert first["rank_of_top_block"] == first["rank_of_measured_best"] == 1
    low, high = first["ci95"]
    assert 0 < low < 1 and high == pytest.approx(1.0)
    # The other way round the figure misleads, and its first choice is the map's last.
    worst = of(
        screen({"layers": {"block influence": (-influence).tolist()}}, rows(gains)),
        "low block influence",
    )
    assert worst["spearman"] == pytest.approx(-1.0) and worst["ci95"][1] < 0
    assert worst["rank_of_top_block"] == worst["rank_of_measured_best"] == len(BLOCKS)


def test_figures_of_pairs_and_the_screen_without_a_figure():
    rng = np.random.default_rng(1)
    matrix = rng.random((N + 1, N + 1))
    gains = {(i, j): -float(matrix[i, j]) for i, j in BLOCKS}
    anatomy = {
        "layers": {"norm growth": [0.5] * N},
        "blocks": {"displacement": np.where(np.triu(matrix, 1) > 0, matrix, None).tolist()},
        "similarity": (-(matrix + matrix.T)).tolist(),
    }
    found = screen(anatomy, rows(gains))
    assert of(found, "low displacement of the block")["spearman"] == pytest.approx(1.0)
    wanted = spearmanr([-(matrix + matrix.T)[b] for b in BLOCKS], list(gains.values()))
    similar = of(found, "similar states at both ends")
    assert similar["spearman"] == pytest.approx(wanted.statistic)
    short = of(found, "short block (no figure)")
    wanted = spearmanr([i - j for i, j in BLOCKS], list(gains.values()))
    assert short["spearman"] == pytest.approx(wanted.statistic)
    assert short["top_block"] == [0, 1] and short["rank_of_measured_best"] <= len(BLOCKS)
    # All layers alike: no order, and nothing is made of it.
    alike = of(found, "low norm growth")
    assert alike["spearman"] is alike["top_block"] is alike["ci95"] is None
    known = [abs(s["spearman"]) for s in found if s["spearman"] is not None]
    assert known == sorted(known, reverse=True)
    assert [s["spearman"] for s in found[len(known) :]] == [None] * (len(found) - len(known))
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("smooth", [0.0, 0.9])
def test_the_interval_of_a_useless_figure_covers_zero(smooth):
    """Figure and map are drawn apart, each as rough or smooth in depth as the other."""
    rng = np.random.default_rng(2)

    def layers():
        values = rng.standard_normal(N)
        for k in range(1, N):
            values[k] = smooth * values[k - 1] + np.sqrt(1 - smooth**2) * values[k]
        return values

    covered = []
    for _ in range(80):
        truth = block_means(layers())
        gains = {(i, j): truth[i, j] - 0.03 * (j - i) + 0.3 * rng.normal() for i, j in BLOCKS}
        found = screen({"layers": {"lens entropy": layers().tolist()}}, rows(gains))
        low, high = of(found, "high lens entropy")["ci95"]
        covered.append(low <= 0 <= high)
    assert np.mean(covered) >= 0.9


def test_holes_and_overflows():
    rng = np.random.default_rng(3)
    displacement = [*rng.random(N - 1).tolist(), None]
    gains = {b: float(rng.normal()) for b in BLOCKS}
    summary = rows(gains)
    overflowed = next(row for row in summary if row["block"] == [2, 5])
    overflowed |= {"combined": None, "scores": {"lm": {"score": None, "overflow": 4}}}
    unmeasured = next(row for row in summary if row["block"] == [3, 5])
    unmeasured |= {"combined": None, "scores": {}}
    measured = measured_gains(summary)
    assert measured[2, 5] == -np.inf and (3, 5) not in measured and (0, 0) not in measured

    each = of(screen({"layers": {"displacement": displacement}}, summary), "low displacement")
    kept = [(i, j) for i, j in BLOCKS if j < N and (i, j) != (3, 5)]
    scores = [-np.mean(displacement[i:j]) for i, j in kept]
    wanted = spearmanr(scores, [-99.0 if b == (2, 5) else gains[b] for b in kept]).statistic
    assert each["spearman"] == pytest.approx(wanted) and each["n"] == len(kept)
    best = max((b for b in kept if b != (2, 5)), key=gains.__getitem__)
    place = sorted(scores, reverse=True).index(scores[kept.index(best)]) + 1
    assert each["rank_of_measured_best"] == place


def test_nothing_measured_and_almost_nothing():
    anatomy = {"layers": {"displacement": [1.0, 2.0]}}
    assert screen(anatomy, []) == []
    two = [{"block": [0, 1], "combined": 0.1}, {"block": [1, 2], "combined": -0.1}]
    each = of(screen(anatomy, two), "low displacement")
    assert each["spearman"] == pytest.approx(1.0) and each["n"] == 2
    low, high = each["ci95"] or (-1.0, 1.0)
    assert low <= 0 and high == pytest.approx(1.0)
