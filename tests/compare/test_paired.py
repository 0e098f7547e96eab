"""Comparisons: paired by item whatever the order, and refused where conditions differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.compare.paired import Delta, compare, unequal
from workbench.compare.versus import versus
from workbench.errors import StepFailed
from workbench.evaluate.items import frame
from workbench.evaluate.result import Evaluation, Score, fingerprint

CONDITIONS: dict[str, Any] = {"batch_size": 16, "precision": {"dtype": "float32"}}


def evaluation(
    scores: Sequence[float],
    *,
    conditions: dict[str, Any] = CONDITIONS,
    clusters: Sequence[str] | None = None,
    order: Sequence[int] | None = None,
    prompt: str = "p",
    items: str = "item",
) -> Evaluation:
    rows = [
        {
            "task": "t",
            "item_id": str(i),
            "doc_hash": f"{items}{i}",
            "prompt_hash": f"{prompt}{i}",
            "cluster": clusters[i] if clusters else "",
            "score": scores[i],
            "answer": "",
            "target": "",
        }
        for i in (order if order is not None else range(len(scores)))
    ]
    mean = float(np.mean(scores))
    return Evaluation(
        conditions,
        fingerprint(conditions),
        {"t": Score("acc", mean, (0.0, 1.0), len(scores), "Wilson")},
        frame(rows),
    )


def one(child: Evaluation, parent: Evaluation) -> Delta:
    return compare(child, parent)["t"]


def test_right_or_wrong_items() -> None:
    delta = one(evaluation([1, 1, 1, 0, 1]), evaluation([0, 0, 1, 1, 1]))
    assert (delta.gained, delta.lost, delta.n) == (2, 1, 5)
    assert delta.delta == pytest.approx(0.2)
    assert delta.p == 1.0
    assert delta.method.startswith("McNemar")


binary = st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=25)
graded = st.lists(st.floats(0, 1), min_size=3, max_size=25)


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from([binary, graded]), st.booleans())
def test_algebra(data: st.DataObject, kind: st.SearchStrategy, clustered: bool) -> None:
    before = data.draw(kind)
    after = data.draw(st.permutations(before))
    clusters = [str(i // 2) for i in range(len(before))] if clustered else None
    order = data.draw(st.permutations(range(len(before))))
    child, parent = evaluation(after, clusters=clusters), evaluation(before, clusters=clusters)
    forth, back = one(child, parent), one(parent, child)
    assert back.delta == -forth.delta
    assert back.ci95 == (-forth.ci95[1], -forth.ci95[0])
    assert (back.p, back.gained, back.lost) == (forth.p, forth.lost, forth.gained)
    shuffled = evaluation(after, clusters=clusters, order=order)
    assert one(shuffled, parent) == forth
    same = one(child, child)
    assert (same.delta, same.p, same.gained, same.lost) == (0.0, 1.0, 0, 0)
    assert same.ci95[0] <= 0 <= same.ci95[1]


def test_unequal_conditions_are_refused_and_named() -> None:
    other = {"batch_size": 32, "precision": {"dtype": "bfloat16"}}
    with pytest.raises(StepFailed) as caught:
        compare(evaluation([1, 0]), evaluation([1, 0], conditions=other))
    facts = [problem.fact for problem in caught.value.problems]
    assert facts == [
        "not compared: batch_size: 16 against 32",
        "not compared: precision.dtype: 'float32' against 'bfloat16'",
    ]


def test_a_missing_condition_is_a_difference() -> None:
    assert list(unequal({"a": {"b": 1}}, {"a": {}})) == ["a.b: 1 against None"]


def test_other_prompts_and_other_items_are_refused() -> None:
    with pytest.raises(StepFailed, match="2 of 2 items were asked with another prompt"):
        compare(evaluation([1, 0]), evaluation([1, 0], prompt="q"))
    with pytest.raises(StepFailed, match="4 items were scored for one"):
        compare(evaluation([1, 0]), evaluation([1, 0], items="other"))


def test_versus_keeps_what_can_be_compared() -> None:
    child = evaluation([1, 1, 0, 1])
    parents = {
        "base": evaluation([0, 1, 0, 1]),
        "quantised": evaluation([0, 1, 0, 1], conditions={**CONDITIONS, "batch_size": 1}),
    }
    compared, refused = versus(child, parents)
    assert set(compared) == {"base"}
    assert compared["base"]["t"]["delta"] == 0.25
    assert isinstance(compared["base"]["t"]["ci95"], list)
    assert refused == ["quantised: not compared: batch_size: 16 against 1"]
    assert versus(None, parents) == ({}, [])
