"""Evaluations of which one went further: compared on common items, refused where it would lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.compare.narrow import narrowed
from workbench.compare.paired import compare
from workbench.compare.stopping import UntilClear
from workbench.compare.versus import versus
from workbench.compare.whole_set import whole_set_estimates
from workbench.errors import StepFailed
from workbench.evaluate.config import SequentialConfig
from workbench.evaluate.items import frame
from workbench.evaluate.result import Evaluation, Score, fingerprint


def evaluation(
    scores: Sequence[float], parts: Sequence[int], of: int, *, each: int = 1, **more: Any
) -> Evaluation:
    """A task "t" whose items ``0…`` were asked in ``parts``; ``each`` rows an item."""
    conditions = {"seed": 0, "tasks": {"t": {"version": "1", "parts": list(parts)}}}
    rows = [
        {
            "task": "t",
            "item_id": f"{i // each}#{i % each + 1}" if each > 1 else str(i),
            "doc_hash": f"d{i // each}",
            "prompt_hash": f"p{i // each}",
            "cluster": str(i // each) if each > 1 else "",
            "score": float(score),
            "answer": "",
            "target": "",
        }
        for i, score in enumerate(scores)
    ]
    score = Score("acc", float(np.mean(scores)), (0.0, 1.0), len(scores), "Wilson", of)
    return Evaluation(conditions, fingerprint(conditions), {"t": score}, frame(rows), **more)


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    parent = (generator.random(200) < 0.6).astype(float)
    child = np.where(generator.random(200) < 0.8, parent, 1 - parent)
    return child, parent


def test_a_parent_that_went_further_is_compared_on_the_childs_items(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    mine, theirs = answers
    child, parent = evaluation(mine[:50], [50], 200), evaluation(theirs, [50, 200], 200)
    change = compare(child, parent)["t"]
    assert (change.n, change.of) == (50, 200)
    assert change.delta == pytest.approx((mine[:50] - theirs[:50]).mean())
    same = evaluation(theirs[:50], [50], 200)
    shown = narrowed(parent, child)
    assert shown.samples.equals(same.samples)
    assert shown.fingerprint == same.fingerprint == child.fingerprint
    assert shown.scores["t"].value == same.scores["t"].value
    assert compare(child, shown) == compare(child, parent)
    assert narrowed(same, child) is same


def test_other_parts_a_shorter_parent_and_an_early_end_are_refused(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    mine, theirs = answers
    child = evaluation(mine[:50], [50], 200)
    with pytest.raises(StepFailed, match=r"tasks\.t\.parts: \[50\] against \[200\]"):
        compare(child, evaluation(theirs, [200], 200))
    with pytest.raises(StepFailed, match=r"tasks\.t\.parts: \[50, 200\] against \[50\]"):
        compare(evaluation(mine, [50, 200], 200), evaluation(theirs[:50], [50], 200))
    ended = evaluation(theirs[:50], [50], 200, looks={"t": {"look": 1, "ends": [50, 100]}})
    compared, refused = versus(child, {"ended": ended})
    assert compared == {}
    assert "could end early" in refused[0]
    assert narrowed(evaluation(theirs, [200], 200), child).scores["t"].n == 200


def test_a_child_that_ended_early_has_the_interval_of_its_look(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    theirs = answers[1]
    mine = np.maximum(*answers)
    parent = evaluation(theirs, [50, 100, 150, 200], 200)
    stopping = UntilClear(parent, SequentialConfig(looks=4, margin=0.5))
    design = stopping.design((50, 100, 150, 200))
    plain = evaluation(mine[:100], [50, 100], 200)
    child = replace(plain, looks={"t": {"look": 2, **design}})
    early, once = compare(child, parent)["t"], compare(plain, parent)["t"]
    assert early.delta == once.delta
    assert early.ci95[0] < once.ci95[0] < once.ci95[1] < early.ci95[1]
    assert once.p < early.p < 0.05
    assert (early.look, early.looks, early.verdict) == (2, 4, "higher")
    assert stopping.clear(child) == ["t"]
    assert "verdict" not in versus(plain, {"p": parent})[0]["p"]["t"]
    other = replace(parent, conditions={**parent.conditions, "seed": 1})
    assert stopping.__class__(other, SequentialConfig()).clear(child) == ()


def test_nothing_is_claimed_of_the_whole_without_a_parent_known_on_it(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    mine, theirs = answers
    child, whole = evaluation(mine[:50], [50], 200), evaluation(theirs, [200], 200)
    assert whole_set_estimates(child, {}) == {}
    assert whole_set_estimates(child, {"part": evaluation(theirs[:50], [50], 200)}) == {}
    assert whole_set_estimates(evaluation(mine, [200], 200), {"whole": whole}) == {}
    ended = replace(child, looks={"t": {"look": 1, "ends": [50, 100]}})
    assert whole_set_estimates(ended, {"whole": whole}) == {}
    few = evaluation(mine[:9], [9], 200)
    assert whole_set_estimates(few, {"whole": whole}) == {}
    found = whole_set_estimates(child, {"whole": whole})["t"]
    assert found["control"] == ["whole"]
    assert found["ci95"][0] < mine.mean() < found["ci95"][1]
    assert found["paired"]["value"] == pytest.approx(theirs.mean() + (mine - theirs)[:50].mean())


def test_two_parents_are_two_controls(answers: tuple[np.ndarray, np.ndarray]) -> None:
    mine, theirs = answers
    other = np.where(np.random.default_rng(1).random(200) < 0.8, mine, 1 - mine)
    known = {name: evaluation(x, [200], 200) for name, x in (("a", theirs), ("b", other))}
    one = whole_set_estimates(evaluation(mine[:80], [80], 200), {"a": known["a"]})["t"]
    both = whole_set_estimates(evaluation(mine[:80], [80], 200), known)["t"]
    assert both["control"] == ["a", "b"] and len(both["coefficients"]) == 2
    assert both["factor"] > one["factor"]


def test_rows_of_one_item_are_drawn_together() -> None:
    """Three like parts an item: a third of what as many independent items would tell."""
    generator = np.random.default_rng(2)
    parent = np.repeat((generator.random(100) < 0.5).astype(float), 3)
    child = np.repeat((generator.random(100) < 0.5).astype(float), 3)
    whole = evaluation(parent, [100], 300, each=3)
    grouped = whole_set_estimates(evaluation(child[:120], [40], 300, each=3), {"p": whole})["t"]
    alone = whole_set_estimates(
        evaluation(child[:120], [120], 300), {"p": evaluation(parent, [300], 300)}
    )["t"]
    width = [e["ci95"][1] - e["ci95"][0] for e in (grouped, alone)]
    assert width[0] / width[1] == pytest.approx(3**0.5, rel=0.15)
