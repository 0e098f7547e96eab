"""The normalisation against published figures and against the leaderboard's own tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from workbench.leaderboard import normalise as n
from workbench.leaderboard.published import TABLE, find, read

ROOT = Path(__file__).resolve().parents[2]

#: RYS-XLarge in the leaderboard's final table, in right answers over items.
RYS_POINTS = n.Points(
    ifeval=n.ifeval(413 / 541, 697 / 834),
    bbh=58.774,
    math=n.math_level_5(563 / 1324),
    gpqa=n.normalise(458 / 1192, 1 / 4),
    musr=n.musr(
        {
            "murder_mysteries": 160 / 250,
            "object_placements": 97 / 256,
            "team_allocation": 118 / 250,
        }
    ),
    mmlu_pro=n.mmlu_pro(6531 / 12032),
)


def test_rys_xlarge_from_its_raw_counts() -> None:
    assert round(RYS_POINTS.average, 3) == 45.345


def test_the_shipped_final_row_is_what_the_counts_give() -> None:
    row = find(read(ROOT / TABLE), "dnhkng/RYS-XLarge", "final")
    for name, value in row.scores.items():
        assert value == pytest.approx(getattr(RYS_POINTS, name), abs=0.0006)


def test_scores_at_chance_are_nothing_and_perfect_ones_a_hundred() -> None:
    assert n.bbh({task: 1 / choices for task, choices in n.BBH_CHOICES.items()}) == 0
    assert n.musr(dict.fromkeys(n.MUSR_CHOICES, 0.0)) == 0
    assert n.bbh(dict.fromkeys(n.BBH_CHOICES, 1.0)) == 100
    assert n.gpqa(dict.fromkeys(n.GPQA_SIZES, 1.0)) == 100
    assert len(n.BBH_CHOICES) == 24


def test_gpqa_pools_by_size() -> None:
    right = {"diamond": 70, "extended": 200, "main": 188}
    accuracies = {name: count / n.GPQA_SIZES[name] for name, count in right.items()}
    assert n.gpqa(accuracies) == pytest.approx(n.normalise(458 / 1192, 0.25))


def test_a_missing_subtask_is_not_averaged_over() -> None:
    with pytest.raises(KeyError, match="hyperbaton"):
        n.bbh({task: 0.5 for task in n.BBH_CHOICES if task != "hyperbaton"})
    with pytest.raises(ValueError, match="floor"):
        n.normalise(0.5, 1.0)


def test_the_october_table_is_normalised_this_way(shared_data: Path) -> None:
    """Every row: the average is the plain mean, GPQA and MMLU-PRO follow from their raw columns."""
    rows = 0
    table = shared_data / "open_llm_leaderboard_v2_2024-10.csv"
    with table.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            rows += 1
            names = ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO")
            points = [float(row[name]) for name in names]
            assert n.Points(*points).average == pytest.approx(float(row["Average ⬆️"]), abs=0.0071)
            # Raw columns are rounded to hundredths, points to hundredths of a hundred times that.
            for name, floor in (("GPQA", 1 / 4), ("MMLU-PRO", 1 / 10)):
                raw = float(row[f"{name} Raw"])
                slack = 100 * 0.005 / (1 - floor) + 0.0051
                assert n.normalise(raw, floor) == pytest.approx(float(row[name]), abs=slack)
    assert rows == 1612


def test_the_subtask_table_pools_gpqa_and_musr_by_these_sizes(shared_data: Path) -> None:
    """lm-eval's own group values, recomputed: they confirm which sizes the sets have."""
    checked = 0
    with (shared_data / "leaderboard_v2_subtasks.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            sets = {name: row[f"leaderboard_gpqa_{name}_acc_norm_none"] for name in n.GPQA_SIZES}
            group = row["leaderboard_gpqa_acc_norm_none"]
            if not group or not all(sets.values()):
                continue
            checked += 1
            ours = n.gpqa({name: float(value) for name, value in sets.items()})
            assert ours == pytest.approx(n.normalise(float(group), 1 / 4), abs=1e-6)
    assert checked > 1000
