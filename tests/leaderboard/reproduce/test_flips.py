"""The default share of flipped answers against models that a leaderboard scored twice."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import pandas
import pytest
from scipy.stats import norm

from workbench.leaderboard.reproduce.config import FLIPS
from workbench.leaderboard.reproduce.difference import measure, run_variance
from workbench.leaderboard.reproduce.formula import formulas
from workbench.leaderboard.reproduce.items import Items
from workbench.leaderboard.schemes import scheme_of

from .conftest import make_evaluation

COLUMNS = {
    "ifeval": "IFEval",
    "bbh": "BBH",
    "math": "MATH Lvl 5",
    "gpqa": "GPQA",
    "musr": "MUSR",
    "mmlu_pro": "MMLU-PRO",
}


@pytest.fixture(scope="module")
def spread() -> dict[str, float]:
    """The standard deviation between two runs over all items, in points, at the default."""
    answers: dict[str, list] = {}
    for benchmark in scheme_of("leaderboard-v2").benchmarks:
        for task in benchmark.tasks():
            answers[task.key] = [1.0] * task.items
    # 834 instructions in 541 prompts: 305 of one, 179 of two, 57 of three.
    answers["leaderboard_ifeval/inst_level_strict_acc"] = (
        [[1.0]] * 305 + [[1.0] * 2] * 179 + [[1.0] * 3] * 57
    )
    items = Items(make_evaluation(answers))
    found = formulas(items.scores, "leaderboard-v2")
    return {
        name: math.sqrt(
            sum(run_variance(pool, FLIPS) for pool in measure(items, found[name]).pools)
        )
        for name in COLUMNS
    }


def test_spread_between_runs_is_the_square_root_of_flips_over_items(
    spread: dict[str, float],
) -> None:
    assert spread["math"] == pytest.approx(100 * math.sqrt(0.05 / 1324))
    assert spread["gpqa"] == pytest.approx(100 / 0.75 * math.sqrt(0.05 / 1192))
    assert spread["mmlu_pro"] == pytest.approx(100 / 0.9 * math.sqrt(0.05 / 12_032))
    parts = [(1 / 2, 250), (1 / 5, 256), (1 / 3, 250)]
    musr = sum((100 / 3 / (1 - floor)) ** 2 * 0.05 / n for floor, n in parts)
    assert spread["musr"] == pytest.approx(math.sqrt(musr))
    # A prompt that turns over takes its instructions with it: no less than the prompts alone.
    assert spread["ifeval"] == pytest.approx(100 * math.sqrt(0.05 / 541), rel=0.05)


def test_models_scored_twice_differ_as_much_as_the_default_says(
    shared_data: Path, spread: dict[str, float]
) -> None:
    table = pandas.read_csv(shared_data / "open_llm_leaderboard_v2_2024-10.csv")
    table = table[table["Precision"].isin(["float16", "bfloat16"])]
    inside = []
    for _, rows in table.groupby(["fullname", "Model sha", "Chat Template"]):
        for (_, one), (_, other) in combinations(rows.iterrows(), 2):
            for name, column in COLUMNS.items():
                # Both figures are rounded to two decimals.
                reach = norm.ppf(0.95) * spread[name] + 0.01
                inside.append(abs(one[column] - other[column]) <= reach)
    assert len(inside) == 114
    assert 0.85 <= sum(inside) / len(inside) <= 0.95
