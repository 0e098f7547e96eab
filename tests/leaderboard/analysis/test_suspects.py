"""Entries that rise on one benchmark: a planted one is found, and honest tables are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.leaderboard.analysis import suspects
from workbench.leaderboard.table import load

OCTOBER = "open_llm_leaderboard_v2_2024-10.csv"


def table(seed: int, siblings: tuple[int, ...] = (30, 20, 15, 10, 6, 5)) -> pd.DataFrame:
    """Fine-tunes of several bases: a common ability, and something of each benchmark's own."""
    rng = np.random.default_rng(seed)
    loads = np.array([1.5, 1.0, 0.6, 0.3, 0.5, 0.9])
    rows = []
    for base, count in enumerate(siblings):
        level = rng.uniform(10, 40, 6)
        for k in range(count):
            scores = level + loads * rng.normal(0, 3) + rng.normal(0, 2, 6)
            rows.append(
                {
                    "model": f"o{k}/m{base}-{k}",
                    "hub_id": f"o{k}/m{base}-{k}",
                    "role": "derived",
                    "root": f"b/{base}",
                    "parent": f"b/{base}",
                    "declared_base": f"b/{base}",
                    "maker_own": False,
                    "represents": True,
                    **dict(zip(suspects.BENCHMARKS, scores, strict=True)),
                }
            )
    return pd.DataFrame(rows)


def test_a_planted_rise_is_found_and_told() -> None:
    frame = table(0)
    frame.loc[12, "mmlu_pro"] += 17
    found = suspects.suspects(frame)
    assert [(one["entry"], one["benchmark"]) for one in found["flagged"]] == [
        (frame.loc[12, "model"], "mmlu_pro")
    ]
    (flag,) = found["flagged"]
    others = frame[(frame["root"] == "b/0") & (frame.index != 12)]
    above = frame.loc[12, "mmlu_pro"] - others["mmlu_pro"].median()
    assert flag["above_siblings"] == pytest.approx(above)
    assert flag["siblings"] == 29
    assert (
        f"{above:.1f} points above the median of its 29 siblings made from b/0 on MMLU-PRO"
        in (flag["sentence"])
    )
    assert suspects.flagged_models(found) == {frame.loc[12, "model"]}


def test_a_model_that_rises_on_all_is_no_suspect() -> None:
    frame = table(0)
    frame.loc[12, list(suspects.BENCHMARKS)] += 12 * np.array([1.5, 1.0, 0.6, 0.3, 0.5, 0.9])
    assert suspects.suspects(frame)["flagged"] == []


def test_a_fall_of_the_others_is_no_rise() -> None:
    frame = table(0)
    frame.loc[12, [b for b in suspects.BENCHMARKS if b != "mmlu_pro"]] -= 15
    assert not any(one["benchmark"] == "mmlu_pro" for one in suspects.suspects(frame)["flagged"])


def test_honest_tables_are_rarely_flagged() -> None:
    # At a false discovery rate of 1%, a table of nothing but noise shows a flag in about 1 of 100.
    flagged = sum(bool(suspects.suspects(table(seed))["flagged"]) for seed in range(100))
    assert flagged <= 5


def test_few_siblings_are_not_judged() -> None:
    frame = table(0, siblings=(30, 20, 15, 3))
    frame.loc[65, "mmlu_pro"] += 40
    found = suspects.suspects(frame)
    assert found["flagged"] == []
    assert found["entries_tested"] == 65
    small = suspects.suspects(table(0, siblings=(10, 5)))
    assert "too few" in small["why"]


def test_the_parent_stands_beside_its_children() -> None:
    frame = table(0)
    # Three children of one entry: with it, each has three siblings.
    children = [40, 41, 42]
    frame.loc[children, "parent"] = frame.loc[30, "hub_id"]
    frame.loc[children, list(suspects.BENCHMARKS)] = frame.loc[
        [30] * 3, list(suspects.BENCHMARKS)
    ].to_numpy()
    frame.loc[41, "math"] += 25
    (flag,) = suspects.suspects(frame)["flagged"]
    assert (flag["entry"], flag["benchmark"]) == (frame.loc[41, "model"], "math")
    assert (flag["stem"], flag["siblings"]) == (frame.loc[30, "hub_id"], 3)
    assert flag["above_siblings"] == pytest.approx(25)


def test_the_october_table_flags_calme_on_mmlu_pro(shared_data: Path) -> None:
    found = suspects.suspects(load(shared_data / OCTOBER).frame)
    flags = {(one["entry"], one["benchmark"]): one for one in found["flagged"]}
    flag = flags["MaziyarPanahi/calme-2.4-rys-78b", "mmlu_pro"]
    assert flag["stem"] == "dnhkng/RYS-XLarge"
    # Siblings' MMLU-PRO in the table: 49.38, 48.73, 49.73, and 49.20 of RYS-XLarge itself.
    assert flag["above_siblings"] == pytest.approx(66.69 - (49.38 + 49.20) / 2, abs=1e-6)
    assert flag["q"] < 1e-4
    assert flag["also"] == ["musr"]
