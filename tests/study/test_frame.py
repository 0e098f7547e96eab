"""The frame of a run: halves, pairs and rates against naive means over items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.evaluate.result import COLUMNS as SAMPLE_COLUMNS
from workbench.study.design.groups import BaseFacts
from workbench.study.scores.frame import COLUMNS, Scored, complete, frame_of
from workbench.study.scores.halves import split

SEED = 7
RATES = (1e-4, 1e-3)


def samples(scores: Any, task: str = "sums", clusters: int = 0) -> pd.DataFrame:
    """Items of one task, answered so that the answers do not collapse."""
    rows = [
        {"task": task, "item_id": str(k), "doc_hash": f"{task}-{k}", "prompt_hash": f"p{k}",
         "cluster": f"c{k % clusters}" if clusters else "", "question": "", "score": float(score),
         "answer": str(k % 7), "target": str(k % 5)}
        for k, score in enumerate(scores)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def facts(name: str, group: str = "Chinese") -> BaseFacts:
    return BaseFacts(name, group, group == "Chinese", f"{name}-family", "recipe", "recipe")


def halves(n: int, task: str = "sums", clusters: int = 0) -> list[str]:
    names = [f"c{k % clusters}" if clusters else "" for k in range(n)]
    found = split([f"{task}-{k}" for k in range(n)], names, task=task, seed=SEED)
    return [found[f"{task}-{k}"] for k in range(n)]


def scored(base: str, frame: pd.DataFrame, rate: float | None = None, **more: object) -> Scored:
    settings: dict[str, object] = {"treatment": "tuned", "seed": 0, "fixed": rate in (None, 1e-3)}
    return Scored(f"{base}-tuned", base, rate=rate, samples=frame, **(settings | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("clusters", [0, 12])
def test_outcomes_are_of_half_b_and_what_they_are_set_against_of_half_a(clusters: int) -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random(60) < 0.4, rng.random(60) < 0.7
    made = scored("a", samples(after, clusters=clusters), tokens=900, bytes=4000)
    found = frame_of(
        {"a": facts("a")}, {"a": samples(before, clusters=clusters)}, [made],
        tasks=["sums"], seed=SEED,
    )  # fmt: skip
    assert list(found.frame) == list(COLUMNS)
    (row,) = found.frame.to_dict("records")
    half = np.array(halves(60, clusters=clusters))
    for letter, suffix in (("A", "_a"), ("B", "")):
        assert row[f"before{suffix}"] == pytest.approx(before[half == letter].mean())
        assert row[f"after{suffix}"] == pytest.approx(after[half == letter].mean())
    assert row["n"] == (half == "B").sum() == 30
    gain = (after.astype(float) - before)[half == "B"]
    if clusters:
        of = np.array([k % clusters for k in range(60)])[half == "B"]
        sums = np.array([(gain - gain.mean())[of == c].sum() for c in np.unique(of)])
        expected = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(gain)
    else:
        expected = gain.std(ddof=1) / np.sqrt(len(gain))
    assert row["se_gain"] == pytest.approx(expected)
    assert row["fixed_after"] == row["after"]
    assert (row["tokens"], row["bytes"], row["group"]) == (900, 4000, "Chinese")
    assert found.rates is None and not found.collapsed


def test_items_are_paired_by_content_whatever_their_order() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.random(40), rng.random(40)
    shuffled = samples(after).sample(frac=1, random_state=0)
    how = {"tasks": ["sums"], "seed": SEED}
    bases, start = {"a": facts("a")}, {"a": samples(before)}
    one = frame_of(bases, start, [scored("a", samples(after))], **how)  # type: ignore[arg-type]
    other = frame_of(bases, start, [scored("a", shuffled)], **how)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(one.frame, other.frame)


def test_the_best_rate_is_chosen_on_half_a_and_told_on_half_b() -> None:
    """Good on half A and bad on half B: the choice must not see the half it is judged on."""
    half = halves(40)
    lucky = [1.0 if letter == "A" else 0.0 for letter in half]
    steady = [0.5] * 40
    start = {"a": samples([0.2] * 40), "b": samples([0.2] * 40)}
    made = [
        scored("a", samples(lucky), 1e-4), scored("a", samples(steady), 1e-3),
        scored("b", samples(steady), 1e-4), scored("b", samples(steady), 1e-3),
    ]  # fmt: skip
    found = frame_of(
        {"a": facts("a"), "b": facts("b", "others")}, start, made,
        tasks=["sums"], seed=SEED, fixed_rate=1e-3,
    )  # fmt: skip
    rows = {row["base"]: row for row in found.frame.to_dict("records")}
    assert (rows["a"]["rate"], rows["b"]["rate"]) == (1e-4, 1e-3)
    assert (rows["a"]["after"], rows["a"]["after_a"], rows["a"]["fixed_after"]) == (0.0, 1.0, 0.5)
    assert found.rates is not None
    assert found.rates["tried"] == list(RATES) and found.rates["fixed"] == 1e-3
    assert found.rates["bases"]["a"] == {
        "scores": {"0.0001": 0.0, "0.001": 0.5}, "scores_a": {"0.0001": 1.0, "0.001": 0.5},
        "best": 1e-4, "fixed": 1e-3,
    }  # fmt: skip


def test_bases_that_change_places_at_the_fixed_rate_are_counted() -> None:
    levels = {"a": (0.9, 0.2), "b": (0.5, 0.5), "c": (0.3, 0.3)}
    start = {name: samples([0.1] * 40) for name in levels}
    made = [
        scored(name, samples([score] * 40), rate)
        for name, scores in levels.items()
        for rate, score in zip(RATES, scores, strict=True)
    ]
    bases = {name: facts(name) for name in levels}
    found = frame_of(bases, start, made, tasks=["sums"], seed=SEED, fixed_rate=1e-3)
    assert found.rates is not None
    turned = found.rates["reversals"]
    assert (turned["pairs"], turned["reversed"]) == (3, 2)
    assert {words[:11] for words in turned["words"][1:]} == {"a against b", "a against c"}


def test_a_rate_at_which_a_seed_failed_is_not_chosen() -> None:
    made = [scored("a", samples([0.9] * 40), 1e-4, seed=0)]
    made += [scored("a", samples([0.5] * 40), 1e-3, seed=seed) for seed in (0, 1)]
    found = frame_of(
        {"a": facts("a")}, {"a": samples([0.1] * 40)}, made,
        tasks=["sums"], seed=SEED, fixed_rate=1e-3,
    )  # fmt: skip
    assert set(found.frame["rate"]) == {1e-3} and len(found.frame) == 2


def test_seeds_treatments_and_tasks_are_rows_and_steps_without_a_rate_stay() -> None:
    both = pd.concat([samples([0.2] * 30), samples([0.4] * 20, "words")])
    after = pd.concat([samples([0.6] * 30), samples([0.5] * 20, "words")])
    made = [scored("a", after, rate, seed=seed) for rate in RATES for seed in (0, 1)]
    made += [scored("a", after, None, seed=None, treatment="doubled")]
    found = frame_of(
        {"a": facts("a")}, {"a": both}, made, tasks=["sums", "words"], seed=SEED, fixed_rate=1e-3
    ).frame
    assert len(found) == 2 * (2 + 1)
    assert set(found["rate"].dropna()) == {1e-3}
    assert found["n"][found["task"] == "words"].eq(10).all()
    assert found["fixed_after"].notna().all()


def test_collapsed_runs_are_marked_and_told() -> None:
    fallen = samples([0.1] * 40)
    fallen["answer"] = "7"
    found = frame_of(
        {"a": facts("a")}, {"a": samples([0.3] * 40)}, [scored("a", fallen)],
        tasks=["sums"], seed=SEED,
    )  # fmt: skip
    assert found.frame["collapsed"].all()
    (told,) = found.collapsed
    assert (told["base"], told["output"], told["task"], told["share"]) == (
        "a", "a-tuned", "sums", 1.0,
    )  # fmt: skip


def test_scores_that_are_no_shares_do_not_count_and_it_is_said() -> None:
    before = pd.concat([samples([0.2] * 20), samples([-3.0] * 20, "loss")])
    after = pd.concat([samples([0.4] * 20), samples([-2.0] * 20, "loss")])
    found = frame_of(
        {"a": facts("a")}, {"a": before}, [scored("a", after)], tasks=["sums", "loss"], seed=SEED
    )
    assert set(found.frame["task"]) == {"sums"}
    assert found.notes == ["loss does not count: its scores are not between 0 and 1"]


def test_a_base_that_was_not_made_has_no_rows() -> None:
    found = frame_of({"a": facts("a")}, {}, [], tasks=["sums"], seed=SEED)
    assert found.frame.empty and list(found.frame) == list(COLUMNS)


def test_what_is_not_given_is_not_known() -> None:
    given = {"base": ["a"], "group": ["x"], "asked": [True], "family": ["f"], "task": ["t"],
             "treatment": ["s"], "before": [0.1], "after": [0.2]}  # fmt: skip
    row = complete(pd.DataFrame(given)).iloc[0]
    assert row["fixed_after"] == 0.2 and not row["collapsed"]
    assert all(pd.isna(row[name]) for name in ("seed", "n", "rate", "before_a", "compute"))
