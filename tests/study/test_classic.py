"""The estimands against algebra, statsmodels, and the figures published with the data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from workbench.compare.least_squares import fit
from workbench.study.classic import Treated, estimate

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


def table(shared_data: Path, task: str) -> list[Treated]:
    with (shared_data / "training_on_the_test_task.csv").open(encoding="utf-8") as stream:
        return [
            Treated(
                base=row["base"],
                family=row["fam"],
                group=int(row["chinese"]),
                compute=float(row["lc"]),
                before=float(row["before"]),
                after=float(row["after"]),
            )
            for row in csv.DictReader(stream)
            if row["task"] == task
        ]


@pytest.mark.parametrize("task", PUBLISHED)
def test_training_on_the_test_task(shared_data: Path, task: str) -> None:
    found = estimate(table(shared_data, task))
    before, before_error, after, after_error = PUBLISHED[task]
    assert found.before_at_compute.value == pytest.approx(before, abs=0.0006)
    assert found.before_at_compute.error == pytest.approx(before_error, abs=0.0006)
    assert found.final_at_compute.value == pytest.approx(after, abs=0.0006)
    assert found.final_at_compute.error == pytest.approx(after_error, abs=0.0006)
    if task in GAINS:
        gain, error = GAINS[task]
        assert found.gain_at_compute.value == pytest.approx(gain, abs=0.0006)
        assert found.gain_at_compute.error == pytest.approx(error, abs=0.0006)


def synthetic(seed: int = 0, n: int = 40) -> list[Treated]:
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        group, compute = int(k % 2), float(rng.uniform(2, 5))
        before = 0.1 * compute + 0.1 * group + float(rng.normal(0, 0.02))
        after = 0.5 + 0.05 * compute + float(rng.normal(0, 0.02))
        rows.append(Treated(f"b{k}", f"f{k // 4}", group, compute, before, after))
    return rows


def test_without_controls_they_are_differences_of_means() -> None:
    rows = synthetic()
    means = {
        (g, name): np.mean([getattr(r, name) for r in rows if r.group == g])
        for g in (0, 1)
        for name in ("after", "gain")
    }
    found = estimate(rows)
    assert found.final.value == pytest.approx(means[1, "after"] - means[0, "after"])
    assert found.gain.value == pytest.approx(means[1, "gain"] - means[0, "gain"])


def test_gain_at_compute_is_final_less_before_at_compute() -> None:
    found = estimate(synthetic())
    expected = found.final_at_compute.value - found.before_at_compute.value
    assert found.gain_at_compute.value == pytest.approx(expected)


def test_lords_paradox_shows() -> None:
    """A head start that the treatment makes up for: a lower gain, and no lower final score."""
    found = estimate(synthetic(n=400))
    assert found.gain_at_compute.ci95[1] < -0.08
    assert found.final_at_compute.ci95[0] < 0 < found.final_at_compute.ci95[1]


@pytest.mark.parametrize("clustered", [False, True])
def test_agrees_with_statsmodels(clustered: bool) -> None:
    api = pytest.importorskip("statsmodels.api")
    rows = synthetic(3)
    y = [r.after for r in rows]
    regressors = {"group": [r.group for r in rows], "compute": [r.compute for r in rows]}
    families = [r.family for r in rows]
    ours = fit(y, regressors, families if clustered else None)
    x = api.add_constant(np.column_stack(list(regressors.values())))
    if clustered:
        codes = np.unique(families, return_inverse=True)[1]
        theirs = api.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    else:
        theirs = api.OLS(y, x).fit()
    assert [c.value for c in ours.values()] == pytest.approx(list(theirs.params))
    assert [c.error for c in ours.values()] == pytest.approx(list(theirs.bse))
    assert [c.p for c in ours.values()] == pytest.approx(list(theirs.pvalues))
    assert [c.ci95 for c in ours.values()] == [
        pytest.approx(tuple(row)) for row in theirs.conf_int()
    ]


def test_what_cannot_be_estimated_is_refused() -> None:
    rows = [r for r in synthetic() if r.group]
    with pytest.raises(ValueError, match="both groups"):
        estimate(rows)
    with pytest.raises(ValueError, match="cannot fit"):
        fit([1.0, 2.0], {"x": [0.0, 1.0]})
    with pytest.raises(ValueError, match="determine"):
        fit([1.0, 2.0, 3.0, 4.0], {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 2.0, 4.0, 6.0]})
    with pytest.raises(ValueError, match="two clusters"):
        fit([1.0, 2.0, 2.0, 4.0], {"x": [0.0, 1.0, 2.0, 5.0]}, ["a"] * 4)
