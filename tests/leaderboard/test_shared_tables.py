"""The whole public tables: what the leaderboard's rules say of every row, and of whose rows."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from workbench.leaderboard.luck import DIFFER, differing_variance
from workbench.leaderboard.normalise import normalise
from workbench.leaderboard.points import points_of_raw
from workbench.leaderboard.published import read
from workbench.leaderboard.schemes.v2 import BBH, GPQA, IFEVAL, IFEVAL_INSTRUCTIONS, MATH, MUSR, V2

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = dict(
    zip(V2.names, ("IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO"), strict=True)
)


@pytest.fixture(scope="module")
def october(shared_data: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(shared_data / "open_llm_leaderboard_v2_2024-10.csv")


@pytest.fixture(scope="module")
def subtasks(shared_data: Path) -> pd.DataFrame:
    """lm-eval's figures of each task, in its own names."""
    import pandas as pd

    frame = pd.read_csv(shared_data / "leaderboard_v2_subtasks.csv")
    names = {column: _task(column) for column in frame if column.startswith("leaderboard_")}
    return frame.rename(columns=names)


def _task(column: str) -> str:
    if column == "leaderboard_ifeval_inst_level_strict_acc_none":
        return IFEVAL_INSTRUCTIONS
    for metric in ("_prompt_level_strict_acc", "_acc_norm", "_exact_match", "_acc"):
        if column.endswith(f"{metric}_none"):
            return column.removesuffix(f"{metric}_none")
    return column


def test_the_october_table_is_normalised_this_way(october: pd.DataFrame) -> None:
    """The average is the plain mean; GPQA and MMLU-PRO follow from their raw columns."""
    assert len(october) == 1612
    gap = (october[list(COLUMNS.values())].mean(axis=1) - october["Average ⬆️"]).abs()
    assert gap.max() <= 0.0071
    for name, floor in (("GPQA", 1 / 4), ("MMLU-PRO", 1 / 10)):
        # Raw columns are rounded to hundredths, points to hundredths of a hundred times that.
        slack = 100 * 0.005 / (1 - floor) + 0.0051
        ours = [normalise(raw, floor) for raw in october[f"{name} Raw"]]
        assert (october[name] - ours).abs().max() <= slack


def test_shipped_rows_of_october_are_the_tables(october: pd.DataFrame) -> None:
    table = october.set_index(["fullname", "Precision", "Model sha"])
    rows = [row for row in read("leaderboard-v2") if row.snapshot == "2024-10"]
    assert len(rows) > 80
    for row in rows:
        theirs = table.loc[(row.entry, row.precision, row.revision)]
        assert row.average == theirs["Average ⬆️"]
        assert row.scores == {name: theirs[column] for name, column in COLUMNS.items()}
        assert row.chat_template == theirs["Chat Template"]


def test_every_row_of_subtasks_has_lm_evals_group_values(subtasks: pd.DataFrame) -> None:
    """5,679 models, 2,409 of them scored: group values weight the tasks by these sizes."""
    scored = subtasks.dropna(subset=["leaderboard_bbh"])
    assert (len(subtasks), len(scored)) == (5679, 2409)
    groups = {
        "leaderboard_bbh": {f"leaderboard_bbh_{k}": n for k, (_, n) in BBH.items()},
        "leaderboard_math_hard": {f"leaderboard_math_{k}_hard": n for k, n in MATH.items()},
        "leaderboard_gpqa": {f"leaderboard_gpqa_{k}": n for k, n in GPQA.items()},
        "leaderboard_musr": {f"leaderboard_musr_{k}": n for k, (_, n) in MUSR.items()},
    }
    for group, sizes in groups.items():
        ours = sum(scored[task] * n for task, n in sizes.items()) / sum(sizes.values())
        assert (ours - scored[group]).abs().max() < 1e-9, group
    for task, n in [(t.key, t.items) for b in V2.benchmarks for t in b.tasks()]:
        counts = scored[task] * n
        assert (counts - counts.round()).abs().max() < 1e-6, task


def test_every_row_of_subtasks_has_points_by_the_naive_rules(subtasks: pd.DataFrame) -> None:
    scored = subtasks.dropna(subset=["leaderboard_bbh"]).iloc[::40]
    for _, row in scored.iterrows():
        points = points_of_raw(row.to_dict(), "leaderboard-v2")
        bbh = [normalise(row[f"leaderboard_bbh_{k}"], 1 / c) for k, (c, _) in BBH.items()]
        musr = [normalise(row[f"leaderboard_musr_{k}"], 1 / c) for k, (c, _) in MUSR.items()]
        expected = [
            50 * (row[IFEVAL] + row[IFEVAL_INSTRUCTIONS]),
            np.mean(bbh),
            100 * row["leaderboard_math_hard"],
            normalise(row["leaderboard_gpqa"], 1 / 4),
            np.mean(musr),
            normalise(row["leaderboard_mmlu_pro"], 1 / 10),
        ]
        assert [points[name].value for name in V2.names] == pytest.approx(expected)
        assert points["average"].value == pytest.approx(np.mean(expected))


def test_the_table_of_subtasks_is_not_of_the_leaderboard(
    october: pd.DataFrame, subtasks: pd.DataFrame
) -> None:
    """Of the models in both, hardly one has the same figures: they were measured again."""
    scored = subtasks.dropna(subset=["leaderboard_bbh"])
    both = october.merge(scored, left_on="fullname", right_on="model_id")
    assert len(both) == 175
    agree = dict.fromkeys(V2.names, 0)
    for _, row in both.iterrows():
        points = points_of_raw(row.to_dict(), "leaderboard-v2")
        for name, column in COLUMNS.items():
            agree[name] += abs(points[name].value - row[column]) <= 0.0051
    # Benchmarks of few items agree now and then by chance.
    assert agree["ifeval"] == agree["mmlu_pro"] == 0
    assert max(agree.values()) < 0.1 * len(both)


def test_the_same_weights_in_two_formats_differ_about_as_much_as_is_said(
    october: pd.DataFrame,
) -> None:
    """What a share of items differing means: measured twice, a model's points move this much."""
    pairs = [
        (first, second)
        for _, rows in october.groupby(["fullname", "Model sha", "Chat Template"])
        for (_, first), (_, second) in itertools.combinations(rows.iterrows(), 2)
        if first["Precision"] != second["Precision"]
    ]
    moved = [abs(a["Average ⬆️"] - b["Average ⬆️"]) for a, b in pairs]
    assert len(pairs) > 15
    assert 0.1 < np.median(moved) < 0.4
    shares = {}
    for benchmark in V2.benchmarks:
        column = COLUMNS[benchmark.name]
        middle = np.median([(a[column] - b[column]) ** 2 for a, b in pairs])
        noise = np.mean(
            [differing_variance(benchmark, a[column], a[column], DIFFER) for a, _ in pairs]
        )
        # The median of a squared normal deviate is 0.455 of its variance.
        shares[benchmark.name] = DIFFER * middle / 0.455 / noise
    assert max(shares, key=shares.__getitem__) == "ifeval"
    assert 0.1 < shares["ifeval"] < 0.25
    assert 0.01 < np.median(list(shares.values())) < DIFFER
