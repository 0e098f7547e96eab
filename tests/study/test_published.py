"""The figures as papers print them: against algebra, and against those of the shared table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import study_rows

from workbench.compare.least_squares import fit
from workbench.study.scores.frame import complete
from workbench.study.statistics.published import published
from workbench.study.table import read_table

#: Task, then the Chinese-base coefficient at equal compute before and after, with standard errors.
PUBLISHED = {
    "mmlu": (0.096, 0.024, 0.007, 0.013),
    "gsm8k": (0.137, 0.042, 0.001, 0.036),
    "arc_challenge_mc": (0.149, 0.040, 0.008, 0.027),
    "hellaswag_mc": (0.107, 0.041, -0.015, 0.032),
    "winogrande_mc": (0.023, 0.015, 0.017, 0.016),
    "truthfulqa_mc2_mc": (0.058, 0.028, -0.023, 0.029),
}
GAINS = {"mmlu": (-0.089, 0.024), "gsm8k": (-0.136, 0.047)}


@pytest.fixture(scope="module")
def shared(shared_data: Path) -> dict[str, Any]:
    return published(read_table(shared_data / "training_on_the_test_task.csv").frame)


@pytest.mark.parametrize("task", PUBLISHED)
def test_training_on_the_test_task(shared: dict[str, Any], task: str) -> None:
    found = shared[task]
    before, final = found["before_at_compute"], found["final_at_compute"]
    figures = [before["value"], before["se"], final["value"], final["se"]]
    assert [round(figure, 3) for figure in figures] == list(PUBLISHED[task])
    if task in GAINS:
        gain = found["gain_at_compute"]
        assert (round(gain["value"], 3), round(gain["se"], 3)) == GAINS[task]


def synthetic(seed: int = 0, n: int = 40) -> pd.DataFrame:
    """A head start of one group that the treatment makes up for."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        group, compute = k % 2, float(rng.uniform(2, 5))
        before = 0.1 * compute + 0.1 * group + float(rng.normal(0, 0.02))
        after = 0.5 + 0.05 * compute + float(rng.normal(0, 0.02))
        rows.append(
            {"base": f"b{k}", "family": f"f{k // 4}", "group": str(group), "asked": group == 1,
             "task": "t", "treatment": "s", "compute": compute, "before": before, "after": after}
        )  # fmt: skip
    return complete(pd.DataFrame(rows))


def test_without_controls_they_are_differences_of_means() -> None:
    frame = synthetic()
    found = published(frame)["t"]
    means = frame.assign(gain=frame.after - frame.before).groupby("asked")[["after", "gain"]].mean()
    for name, column in (("final", "after"), ("gain", "gain")):
        assert found[name]["value"] == pytest.approx(means[column][True] - means[column][False])
        assert found[name]["n"] == 40 and found[name]["families"] == 10


def test_gain_at_compute_is_final_less_before_at_compute() -> None:
    found = published(synthetic())["t"]
    expected = found["final_at_compute"]["value"] - found["before_at_compute"]["value"]
    assert found["gain_at_compute"]["value"] == pytest.approx(expected)


def test_lords_paradox_shows() -> None:
    """A lower gain, and no lower final score."""
    found = published(synthetic(n=400))["t"]
    assert found["gain_at_compute"]["ci95"][1] < -0.08
    low, high = found["final_at_compute"]["ci95"]
    assert low < 0 < high


def test_errors_are_classic_with_the_one_clustered_by_family_beside() -> None:
    frame = synthetic(3)
    found = published(frame)["t"]["final_at_compute"]
    regressors = {"asked": frame["asked"].astype(float).tolist(), "c": frame["compute"].tolist()}
    after, families = frame["after"].tolist(), frame["family"].tolist()
    assert found["se"] == fit(after, regressors)["asked"].error
    assert found["se_family"] == fit(after, regressors, families)["asked"].error


def test_seeds_are_averaged_and_tasks_kept_apart() -> None:
    frame = study_rows.frame(seeds=(0, 1, 2))
    found = published(frame)
    assert list(found) == ["sums", "words"]
    one = frame[frame["seed"] == 0].set_index(["base", "task"])
    mean = frame.groupby(["base", "task"])["after"].mean()
    again = published(complete(one.assign(after=mean).reset_index()))
    for part in ("value", "se", "se_family", "n"):
        assert found["sums"]["final"][part] == pytest.approx(again["sums"]["final"][part])


def test_what_the_rows_do_not_bear_is_none() -> None:
    frame = synthetic()
    assert published(frame[frame["asked"]])["t"]["gain"] is None
    without = published(frame.assign(compute=float("nan")))["t"]
    assert without["gain_at_compute"] is None and without["gain"] is not None
    some = published(frame.assign(compute=frame["compute"].where(frame.index > 9)))["t"]
    assert some["gain_at_compute"]["n"] == 30 and some["gain"]["n"] == 40
    alone = frame.assign(family="f")
    assert published(alone)["t"]["gain"]["se_family"] is None
