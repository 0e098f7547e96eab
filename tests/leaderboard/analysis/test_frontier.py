"""The best to date, against a small table by hand and a running maximum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.leaderboard.analysis import frontier
from workbench.leaderboard.analysis.suspects import BENCHMARKS
from workbench.leaderboard.table import load


def rows() -> pd.DataFrame:
    listed = [
        ("a", False, 7.0, "2024-06-01", "2024-01-01", 20.0),
        ("b", True, 7.0, "2024-06-03", "2024-02-01", 18.0),
        ("c", True, 72.0, "2024-06-05", "2024-03-01", 30.0),
        ("d", False, 70.0, "2024-06-05", "2024-04-01", 26.0),
        ("e", False, 70.0, "2024-06-09", "2024-01-15", 25.0),
        ("f", True, None, "2024-06-10", "2024-03-01", 29.0),
    ]
    names = ["model", "chinese", "root_parameters_b", "submitted", "root_released", "average"]
    frame = pd.DataFrame(listed, columns=names)
    for column in ("submitted", "root_released"):
        frame[column] = pd.to_datetime(frame[column])
    frame["root_parameters_b"] = frame["root_parameters_b"].astype(float)
    frame["chinese"] = frame["chinese"].astype("boolean")
    for name in BENCHMARKS:
        frame[name] = frame["average"]
    return frame.assign(root="r", represents=True)


def one(found: dict, axis: str, size: str, score: str = "average") -> dict:
    (series,) = [
        s for s in found["series"] if (s["axis"], s["size"], s["score"]) == (axis, size, score)
    ]
    return series


def test_staircases_and_gaps_by_hand() -> None:
    series = one(frontier.frontier(rows()), "submitted", "all sizes")
    assert [(s["date"], s["model"]) for s in series["chinese"]] == [
        ("2024-06-03", "b"),
        ("2024-06-05", "c"),
    ]
    assert [s["model"] for s in series["other"]] == ["a", "d"]
    assert [(g["date"], g["value"]) for g in series["gap"]] == [
        ("2024-06-03", pytest.approx(-2.0)),
        ("2024-06-05", pytest.approx(4.0)),
    ]
    assert series["n"] == {"chinese": 3, "other": 3}


def test_by_release_and_by_size() -> None:
    found = frontier.frontier(rows())
    by_release = one(found, "root_released", "all sizes")
    assert [s["model"] for s in by_release["other"]] == ["a", "e", "d"]
    large = one(found, "submitted", "over 40B")
    assert [s["model"] for s in (*large["chinese"], *large["other"])] == ["c", "d"]
    middle = one(found, "submitted", "10 to 40B")
    assert middle["gap"] == []


def test_the_interval_is_that_of_the_items() -> None:
    (gap,) = [
        g for g in one(frontier.frontier(rows()), "submitted", "all sizes", "mmlu_pro")["gap"]
        if g["date"] == "2024-06-05"
    ]  # fmt: skip
    # MMLU-PRO has 12,032 items and a floor of 0.1: 30 points are 0.37 right, 26 are 0.334.
    variance = sum(p * (1 - p) / 12032 for p in (0.37, 0.334)) * (100 / 0.9) ** 2
    half = (gap["ci95"][1] - gap["ci95"][0]) / 2
    assert half == pytest.approx(1.96 * np.sqrt(variance), rel=1e-3)


def test_what_it_says_without_suspects() -> None:
    said = frontier.frontier(rows(), {"c"})["said"]
    assert any("4.0 points above it on 2024-06-05" in line for line in said)
    (without,) = [
        line for line in said if line.startswith("Without") and "submission, average" in line
    ]
    assert without.endswith("3.0 points above it on 2024-06-10.")


def test_the_press_is_cited_and_not_mixed_in() -> None:
    press = frontier.frontier(rows())["press"]
    assert [(f["when"], f["gap"]) for f in press["figures"]] == [
        ("end of 2023", 17.5),
        ("end of 2024", 0.3),
    ]
    assert "Artificial Intelligence Index Report 2025" in press["source"]


def test_october_against_a_running_maximum(shared_data: Path) -> None:
    frame = load(shared_data / "open_llm_leaderboard_v2_2024-10.csv").frame
    series = one(frontier.frontier(frame), "submitted", "all sizes")
    placed = frame[frame["represents"] & frame["root"].notna() & frame["submitted"].notna()]
    for side, chinese in (("chinese", True), ("other", False)):
        own = placed[placed["chinese"] == chinese].groupby("submitted")["average"].max().cummax()
        steps = own[own.diff().fillna(1) > 0]
        assert [s["value"] for s in series[side]] == steps.tolist()
