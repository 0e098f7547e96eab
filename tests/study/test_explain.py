"""Explanations of a gain: planted ones found, absent ones not, and everything else left open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))

import study_rows

from workbench.compare.least_squares import fit
from workbench.study.hypothesis import Finding
from workbench.study.scores.frame import complete
from workbench.study.statistics.estimands import estimands
from workbench.study.verdicts.explain import (
    Effect,
    effect_of,
    explained,
    gains,
    measured,
    verdict_of,
)


def bases(
    rng: np.random.Generator,
    *,
    families: int = 8,
    size: int = 2,
    apart: float = 1.0,
    slope: float = 0.1,
    direct: float = 0.0,
    noise: float = 0.02,
) -> pd.DataFrame:
    """``base family asked value gain``: the groups differ by ``apart`` in a statistic, of which the
    gain takes ``slope`` a unit, and by ``direct`` in the gain itself."""
    rows = []
    for family in range(2 * families):
        asked = family < families
        level = rng.normal(0, 0.3)
        for k in range(size):
            value = apart * asked + level + rng.normal(0, 0.1)
            gain = 0.2 + slope * value + direct * asked + rng.normal(0, noise)
            rows.append((f"b{family}-{k}", f"f{family}", asked, value, gain))
    return pd.DataFrame(rows, columns=["base", "family", "asked", "value", "gain"])


def test_with_families_of_one_size_it_is_the_t_test_and_least_squares_on_their_means() -> None:
    rows = bases(np.random.default_rng(0))
    means = rows.groupby(["family", "asked"], as_index=False)[["value", "gain"]].mean()
    found = effect_of(rows, seed=0)
    assert found is not None
    inside, outside = (means["value"][means["asked"] == side] for side in (True, False))
    expected = stats.ttest_ind(inside, outside)
    assert found.coefficient.value == pytest.approx(inside.mean() - outside.mean())
    assert found.coefficient.p == pytest.approx(expected.pvalue)
    assert found.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    part = explained(rows, seed=0)
    assert part is not None
    asked = means["asked"].astype(float).tolist()
    whole = fit(means["gain"].tolist(), {"asked": asked})["asked"]
    held = fit(means["gain"].tolist(), {"asked": asked, "value": means["value"].tolist()})
    assert (part.gain.value, part.gain.error) == pytest.approx((whole.value, whole.error))
    assert (part.left.value, part.left.error) == pytest.approx(
        (held["asked"].value, held["asked"].error)
    )


def test_the_permutation_is_over_whole_families() -> None:
    """Three against three: of 20 deals, the one seen and its mirror are the most extreme."""
    rows = bases(np.random.default_rng(1), families=3, apart=5.0)
    found = effect_of(rows, seed=0)
    assert found is not None and found.p_permutation == pytest.approx(2 / 20)
    assert found.p == found.p_permutation > found.coefficient.p


def test_the_part_is_the_product_of_both_coefficients_whatever_the_family_sizes() -> None:
    rng = np.random.default_rng(2)
    rows = bases(rng, size=4)
    rows = rows[rng.random(len(rows)) < 0.6].reset_index(drop=True)
    part = explained(rows, seed=0)
    assert part is not None
    assert part.part == pytest.approx(part.gain.value - part.left.value)
    assert part.ci95[0] < part.part < part.ci95[1]


def judged(rows: pd.DataFrame, **more: Any) -> str:
    found, part = effect_of(rows, seed=0), explained(rows, seed=0)
    settings = {
        "p_adjusted": None if found is None else found.p, "sign": 1, "margin": 0.2, "alpha": 0.05,
        "alike": False, "control": True,
    }  # fmt: skip
    return verdict_of(found, part, **(settings | more))  # type: ignore[arg-type]


def test_a_planted_explanation_is_supported_and_holds_the_difference_in_gain() -> None:
    rows = bases(np.random.default_rng(3))
    assert judged(rows) == "supported"
    part = explained(rows, seed=0)
    assert part is not None and part.share == pytest.approx(1.0, abs=0.25)
    assert judged(rows, sign=-1) == "not supported"
    assert judged(rows, control=False) == "cannot tell"
    assert judged(rows, alike=True) == "not supported"
    assert judged(rows, p_adjusted=0.2) == "cannot tell"


def test_a_statistic_in_which_the_groups_are_alike_explains_nothing() -> None:
    rng = np.random.default_rng(4)
    rows = bases(rng, apart=0.0, direct=0.1)
    assert judged(rows, margin=1.0) == "not supported"
    assert judged(rows, margin=0.01) == "cannot tell"


def test_a_statistic_that_does_not_go_with_the_gain_is_not_supported_by_differing() -> None:
    """Both differ between the groups, but within a group the one says nothing of the other."""
    said = [judged(bases(np.random.default_rng(seed), slope=0.0, direct=0.1)) for seed in range(20)]
    assert said.count("supported") <= 2 and said.count("cannot tell") >= 17


def test_false_support_is_rare_with_few_families() -> None:
    """No group differs in anything: 200 studies of 4 against 4 families, at 5% each."""
    said = [
        judged(bases(np.random.default_rng(seed), families=4, size=2, apart=0.0, slope=0.1))
        for seed in range(200)
    ]
    assert said.count("supported") <= 10


def test_too_few_families_or_one_group_cannot_be_told() -> None:
    rows = bases(np.random.default_rng(5), families=1, size=3)
    assert effect_of(rows, seed=0) is None and explained(rows, seed=0) is None
    assert judged(rows) == "cannot tell"
    one = rows[rows["asked"]].reset_index(drop=True)
    assert effect_of(one, seed=0) is None and explained(one, seed=0) is None
    assert effect_of(rows.iloc[:0], seed=0) is None


def test_a_base_is_not_judged_by_which_tasks_it_has() -> None:
    """Task 1 gives all bases 0.3 more; ``b`` has no task 1, and gains as much as the others."""
    rows = [
        {"base": base, "family": base, "asked": base == "a", "group": str(base == "a"),
         "task": task, "treatment": "s", "before": 0.1, "after": 0.3 + 0.3 * (task == "t1")}
        for base in "abc" for task in ("t0", "t1") if (base, task) != ("b", "t1")
    ]  # fmt: skip
    found = gains(complete(pd.DataFrame(rows)))["gain"]
    assert found.max() - found.min() == pytest.approx(0.0, abs=1e-12)


def test_the_difference_in_gain_is_that_of_the_studys_estimand() -> None:
    frame = study_rows.frame(families=(5, 4), bases=3, gain=(0.25, 0.2))
    frame = frame[~frame["base"].isin(["Chinese-0-1", "others-2-0"])]
    rows = gains(frame).assign(value=np.arange(25) % 7)
    part = explained(rows, seed=0)
    found = estimands(frame, asked="Chinese", margin=0.03, alpha=0.05, seed=0, permutations=99)
    gain = next(one for one in found if one.name == "gain")
    assert part is not None and gain.ci95 is not None
    # The search for the weights stops where nothing is gained by going on.
    assert part.gain.value == pytest.approx(gain.value, abs=1e-5)
    assert part.gain.ci95 == pytest.approx(gain.ci95, abs=1e-5)


def test_collapsed_runs_are_no_gains() -> None:
    frame = study_rows.frame()
    frame["collapsed"] = frame["base"] == "others-0-0"
    assert "others-0-0" not in set(gains(frame)["base"])
    assert gains(frame.assign(collapsed=True)).empty


def test_bases_that_could_not_be_measured_are_left_out() -> None:
    rows = bases(np.random.default_rng(6), families=2)
    known = dict.fromkeys(rows["base"][1:], Finding(1.5, None, 10, ""))
    found = measured(
        rows.drop(columns="value"), {rows["base"][0]: Finding(None, None, 0, "no"), **known}
    )
    assert len(found) == len(rows) - 1 and (found["value"] == 1.5).all()


def test_a_statistic_that_is_the_same_in_all_bases_differs_by_nothing() -> None:
    rows = bases(np.random.default_rng(7)).assign(value=0.25)
    found = effect_of(rows, seed=0)
    assert isinstance(found, Effect)
    assert found.coefficient.value == pytest.approx(0.0, abs=1e-12) and found.p == 1.0
    assert judged(rows) == "not supported" and explained(rows, seed=0) is None
