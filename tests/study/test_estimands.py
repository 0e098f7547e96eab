"""The seven estimands on frames with known differences, and on frames that bear none."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.study.scores.frame import complete
from workbench.study.statistics.components import interaction, variance
from workbench.study.statistics.difference import value_of
from workbench.study.statistics.estimands import NAMES, Estimand, estimands
from workbench.study.statistics.senses import bases_of, rows_of
from workbench.study.statistics.simulate import World, draw, frame, outcome, sense_of

WORLD = World((1, 2, 3, 1), (2, 1, 3, 1, 2), 0.04, 0.03, difference=0.15, gain=0.1)


def of(rows: pd.DataFrame, **changed: Any) -> dict[str, Estimand]:
    settings = {"asked": "asked", "margin": 0.03, "alpha": 0.05, "seed": 0, **changed}
    return {one.name: one for one in estimands(rows, **settings)}


def one_study(world: World = WORLD, seed: int = 0) -> pd.DataFrame:
    return frame(world, draw(world, 1, np.random.default_rng(seed)), 0)


@cache
def usual() -> dict[str, Estimand]:
    return of(one_study())


def test_a_frame_gives_what_the_simulation_judges() -> None:
    """What is simulated thousands of times is what a study does with its rows."""
    drawn = draw(WORLD, 2, np.random.default_rng(1))
    for study in range(2):
        found = of(frame(WORLD, drawn, study), permutations=999)
        for name in NAMES:
            expected = outcome(WORLD, drawn, sense_of(name))
            one = found[name]
            assert one.value == pytest.approx(expected.value[study])
            assert one.df == expected.df
            told = one.verdict in ("higher", "lower")
            assert told == (expected.told[study] and one.verdict != "equivalent")


def test_the_gain_is_the_t_test_of_families_means() -> None:
    world = World((2,) * 5, (2,) * 6, 0.05, 0.05)
    rows = one_study(world)
    found = of(rows)["gain"]
    gain = rows.assign(gain=rows["after"] - rows["before"])
    means = gain.groupby(["asked", "family"])["gain"].mean()
    test = stats.ttest_ind(means[True], means[False])
    assert found.value == pytest.approx(means[True].mean() - means[False].mean())
    assert found.p == pytest.approx(test.pvalue)
    for level, ends in ((0.95, found.ci95), (0.9, found.ci90)):
        interval = test.confidence_interval(level)
        assert ends == pytest.approx((interval.low, interval.high))
    assert found.permutations == 462
    assert found.least_p == pytest.approx(1 / 462)
    assert (found.n_rows, found.n_bases, found.n_families) == (44, 22, 11)


def test_all_seven_of_a_difference_that_is_there() -> None:
    found = usual()
    assert tuple(found) == NAMES
    assert [name for name in NAMES if found[name].main] == ["final", "gain", "final_at_compute"]
    assert found["gain"].verdict == "higher"
    assert found["gain"].words.startswith("asked − others: +")
    assert found["gain"].words.endswith(": higher.")
    assert found["logit_gain"].margin is None
    for one in found.values():
        told = one.as_dict()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        assert len(told["bases"]) == 16
        assert [row["family"] for row in told["left_out"]] == [f"family-{k:02}" for k in range(9)]
        assert set(told["tasks"]) == {"task"}
    gain = found["gain"]
    assert gain.tasks["task"]["value"] == pytest.approx(gain.value)
    assert gain.tasks["task"]["ci95"] == pytest.approx(gain.ci95)


def test_equivalence_is_a_finding() -> None:
    world = World((2,) * 6, (2,) * 6, 0.004, 0.004, items=5000, seed_spread=0.001)
    found = of(one_study(world))["gain"]
    assert found.verdict == "equivalent"
    assert "the 90% interval lies within ±3.0 points" in found.words
    assert of(one_study(world), margin=0.001)["gain"].verdict != "equivalent"


def test_one_family_left_out_is_the_estimate_without_its_rows() -> None:
    rows = one_study()
    for place in (0, 4):
        family = f"family-{place:02}"
        others = of(rows[rows["family"] != family])
        for name in ("gain", "gain_at_compute"):
            whole, without = usual()[name], others[name]
            left = whole.left_out[place]
            assert left["family"] == family
            assert left["value"] == pytest.approx(without.value)
            assert left["ci95"] == pytest.approx(without.ci95)
            assert whole.value is not None
            assert left["change"] == pytest.approx(left["value"] - whole.value)


def outcome_of_gain(rows: pd.DataFrame) -> float | None:
    return value_of(bases_of(rows_of(rows, sense_of("gain"))), sense_of("gain"))


def test_collapsed_runs_are_left_out_and_counted() -> None:
    rows = one_study()
    rows.loc[rows.index[:2], ["after", "collapsed"]] = [0.0, True]
    found = of(rows)["gain"]
    assert found.collapsed == 2
    assert found.n_rows == len(rows) - 2
    assert found.value == pytest.approx(outcome_of_gain(rows[~rows["collapsed"]]))
    kept = outcome_of_gain(rows)
    assert found.with_collapsed == pytest.approx(kept)
    assert "2 rows of collapsed runs left out; with them" in found.words


def test_a_task_that_a_base_lacks_is_allowed_for() -> None:
    """A hard task missing in one base does not make that base a better one."""
    rows = one_study(replace(WORLD, difference=0.0))
    hard = rows.assign(task="hard", before=rows["before"] - 0.3, after=rows["after"] - 0.3)
    both = pd.concat([rows, hard], ignore_index=True)
    whole = of(both)["final"]
    lacking = of(both[~((both["base"] == "base-00") & (both["task"] == "hard"))])["final"]
    assert lacking.value == pytest.approx(whole.value)
    assert set(whole.tasks) == {"hard", "task"}


def test_without_compute_the_start_takes_its_place() -> None:
    rows = one_study().assign(compute=np.nan)
    found = of(rows)
    assert [name for name in NAMES if found[name].main] == ["final", "gain", "gain_at_start"]
    assert found["gain_at_compute"].value is None
    assert "compute is not known" in (found["gain_at_compute"].missing or "")
    assert found["gain_at_compute"].words.startswith("Not estimated")
    one_side = one_study()
    one_side.loc[~one_side["asked"], "compute"] = np.nan
    assert "of any base of one of the groups" in (of(one_side)["final_at_compute"].missing or "")


def test_the_start_is_that_of_the_other_half() -> None:
    rows = one_study()
    found = usual()["gain_at_start"]
    assert "of the other half" in found.method
    same = of(rows.assign(before_a=np.nan))["gain_at_start"]
    assert "their luck enters both" in same.method
    assert same.value != pytest.approx(found.value, abs=1e-6)
    equal = of(rows.assign(before_a=rows["before"]))["gain_at_start"]
    assert equal.value == pytest.approx(same.value)


def test_bases_at_equal_compute_are_moved_along_the_slope() -> None:
    found = of(one_study(replace(WORLD, compute_slope=0.1)))["final_at_compute"]
    values = pd.DataFrame(found.bases)
    assert found.value is not None
    means = values.groupby(["group", "family"])["value"].mean().groupby("group").mean()
    assert means["asked"] - means["others"] == pytest.approx(found.value, abs=0.02)


@pytest.mark.parametrize(
    ("inside", "outside", "why"),
    [((2,), (1,) * 5, "one family"), ((1,), (1,), "one family"), ((1, 1), (3,), "one family")],
)
def test_one_family_in_a_group_has_a_value_and_no_interval(
    inside: tuple[int, ...], outside: tuple[int, ...], why: str
) -> None:
    found = of(one_study(replace(WORLD, inside=inside, outside=outside)))["gain"]
    assert found.value is not None
    assert found.ci95 is None
    assert found.p is None
    assert found.verdict == "cannot tell"
    assert why in (found.missing or "")
    assert "without an interval" in found.words


def test_one_group_alone_has_no_value() -> None:
    rows = one_study()
    found = of(rows[rows["asked"]])
    for one in found.values():
        assert one.value is None
        assert one.missing


def test_so_few_families_never_tell_a_difference() -> None:
    rows = one_study(World((1, 1, 1), (1, 1, 1), 0.001, 0.001, difference=0.2, items=5000))
    found = of(rows)["gain"]
    assert found.ci95 is not None
    assert found.ci95[0] > 0
    assert found.verdict == "cannot tell"
    assert "no p below 0.100" in found.words


def test_a_family_on_both_sides_counts_once_on_each() -> None:
    rows = one_study()
    rows.loc[rows["family"] == "family-00", "family"] = "family-05"
    assert of(rows)["gain"].n_families == 9


def test_published_bases_as_a_study(shared_data: Path) -> None:
    """All three senses on the data of arXiv 2407.07890: Lord's paradox, with families counted."""
    table = pd.read_csv(shared_data / "training_on_the_test_task.csv")
    rows = complete(
        pd.DataFrame(
            {
                "base": table["base"],
                "group": np.where(table["chinese"] == 1, "Chinese", "others"),
                "asked": table["chinese"] == 1,
                "family": table["fam"],
                "task": table["task"],
                "treatment": "tuned",
                "before": table["before"],
                "after": table["after"],
                "compute": table["lc"],
            }
        )
    )
    found = of(rows[rows["task"] == "mmlu"], asked="Chinese")
    assert (found["gain"].n_bases, found["gain"].n_families) == (53, 20)
    assert found["gain_at_compute"].verdict == "lower"
    assert found["final_at_compute"].verdict != "lower"
    assert found["final_at_compute"].value == pytest.approx(0.007, abs=0.02)
    assert found["gain_at_compute"].value == pytest.approx(-0.089, abs=0.02)


def two_tasks(apart: float, seed: int = 0) -> pd.DataFrame:
    """The difference in gain is larger by ``apart`` on the second task."""
    first = one_study(WORLD, seed)
    second = one_study(replace(WORLD, difference=WORLD.difference + apart), seed)
    second["after"] += np.random.default_rng(seed).normal(0, 0.01, len(second))
    return pd.concat([first, second.assign(task="second")], ignore_index=True)


def test_a_difference_that_is_another_on_another_task() -> None:
    found = interaction(two_tasks(0.2), asked="asked")
    assert found is not None
    assert found["p"] <= 0.05
    assert found["tasks"]["second"]["value"] == pytest.approx(-found["tasks"]["task"]["value"])
    assert found["words"].startswith("The difference in gain is not the same on all tasks")
    assert interaction(one_study(), asked="asked") is None
    low = sum(interaction(two_tasks(0.0, seed), asked="asked")["p"] <= 0.1 for seed in range(20))  # type: ignore[index]
    # Binomial(20, 0.1): 7 or more twice in a thousand.
    assert low < 7


def test_the_variances_are_the_mixed_models() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    rows = two_tasks(0.1)
    found = variance(rows, asked="asked")
    assert found is not None
    data = rows.assign(
        gain=rows["after"] - rows["before"],
        side=rows["asked"].astype(float),
        run=rows["base"] + rows["seed"].astype(str),
        cell=rows["base"] + rows["task"],
    )
    model = MixedLM.from_formula(
        "gain ~ side * C(task, Sum)",
        data,
        groups=np.ones(len(data)),
        vc_formula={name: f"0 + C({name})" for name in ("family", "base", "run", "cell")},
    )
    with warnings.catch_warnings():
        # A variance that is nearly zero is told as such.
        warnings.simplefilter("ignore")
        theirs = model.fit(reml=True)
    names = [name.split(" ")[0] for name in theirs.model.exog_vc.names]
    sd = dict(zip(names, np.sqrt(theirs.vcomp), strict=True))
    assert found["effect"]["value"] == pytest.approx(theirs.params["side"], abs=2e-3)
    assert found["sd"]["family"] == pytest.approx(sd["family"], abs=4e-3)
    assert found["sd"]["base"] == pytest.approx(sd["base"], abs=4e-3)
    assert found["sd"]["seed"] == pytest.approx(sd["run"], abs=4e-3)
    left = np.hypot(sd["cell"], np.sqrt(theirs.scale))
    assert found["sd"]["residual"] == pytest.approx(left, abs=4e-3)


def test_with_one_base_a_family_all_that_bases_vary_by_is_their_families() -> None:
    rows = two_tasks(0.1)
    first = rows.groupby("family")["base"].transform("min")
    found = variance(rows[rows["base"] == first], asked="asked")
    assert found is not None
    gains = rows[rows["base"] == first].assign(gain=lambda r: r["after"] - r["before"])
    means = gains.groupby(["asked", "base"])["gain"].mean().reset_index()
    within = means["gain"] - means.groupby("asked")["gain"].transform("mean")
    sd = float((within**2).sum() / (len(means) - 2)) ** 0.5
    assert found["mean_sd"] == {"family": pytest.approx(sd, rel=1e-3), "base": 0.0}


def test_the_usual_mixed_model_finds_the_same_difference() -> None:
    from workbench.study.statistics.mixed_lm import mixed_lm

    rows = two_tasks(0.1)
    ours, theirs = variance(rows, asked="asked"), mixed_lm(rows, asked="asked")
    assert ours is not None and theirs is not None and theirs["converged"]
    assert theirs["value"] == pytest.approx(ours["effect"]["value"], abs=2e-3)
    # Its interval takes the variances as known.
    width = theirs["ci95"][1] - theirs["ci95"][0]
    assert width < ours["effect"]["ci95"][1] - ours["effect"]["ci95"][0]


def test_what_one_task_or_seed_cannot_tell_is_not_told() -> None:
    one = variance(one_study(replace(WORLD, seeds=1)), asked="asked")
    assert one is not None
    assert one["sd"]["seed"] is None
    assert one["sd"]["residual"] is None
    assert one["sd"]["base"] == pytest.approx(one["mean_sd"]["base"], abs=1e-3)
    assert one["sd"]["family"] == pytest.approx(one["mean_sd"]["family"], abs=1e-3)
    several = variance(one_study(), asked="asked")
    assert several is not None
    # Seeds vary by 0.01.
    assert several["sd"]["seed"] == pytest.approx(0.01, abs=0.005)
    assert variance(one_study(replace(WORLD, inside=(1,))), asked="asked") is None


@pytest.mark.parametrize("change", [{"collapsed": True}, {}], ids=["all collapsed", "empty"])
def test_no_row_at_all_is_told(change: dict[str, Any]) -> None:
    rows = one_study().assign(**change)
    rows = rows if change else rows[:0]
    for one in of(rows).values():
        assert one.value is None
        assert one.missing == "one of the groups has no base with a score"
    assert interaction(rows, asked="asked") is None
    assert variance(rows, asked="asked") is None


def test_bases_that_are_all_alike_do_not_differ() -> None:
    rows = one_study().assign(before=0.98, after=0.99, before_a=0.98)
    found = of(rows)
    assert (found["gain"].value, found["gain"].p) == (0.0, 1.0)
    assert found["gain"].verdict == "equivalent"
    assert found["headroom_gain"].missing == "there is no headroom of 5 points or more"
    assert "the score before does not vary" in (found["gain_at_start"].missing or "")
    # What is held equal cannot be: the other two stand beside the final score at equal compute.
    assert found["final_at_compute"].main
