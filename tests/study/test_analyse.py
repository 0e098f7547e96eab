"""The whole analysis: sections of the results, planted truths found, nothing that is no JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import study_rows

from workbench.study import controls
from workbench.study.analyse import analyse, facts_of, plain
from workbench.study.design.settings import Settings
from workbench.study.hypothesis import Finding, hypotheses

SETTINGS = Settings(question="Do they?", asked="Chinese", others="others", permutations=999)
SECTIONS = (
    "question", "answer", "verdict", "groups", "registration", "estimands", "paradox",
    "interaction", "model", "hypotheses", "planted", "power", "rates", "matched", "collapsed",
    "holes", "conditions", "would_change", "source",
)  # fmt: skip


def study(frame: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """The analysis, as it comes back from a file."""
    settings = more.pop("settings", SETTINGS)
    found = analyse(frame, settings=settings, **more)
    return json.loads(json.dumps(found, allow_nan=False))  # type: ignore[no-any-return]


def found_in(values: Mapping[str, float | None], half: float = 0.02) -> dict[str, Finding]:
    return {
        base: Finding(value, None if value is None else (value - half, value + half), 100, "said")
        for base, value in values.items()
    }


def of_bases(frame: pd.DataFrame, *, apart: float, seed: int = 0) -> dict[str, float]:
    """A statistic that the groups differ in, with the spread of families around."""
    rng = np.random.default_rng(seed)
    families = {family: rng.normal(0, 0.15) for family in frame["family"].unique()}
    bases = frame.groupby("base")[["family", "asked"]].first()
    return {
        str(base): apart * asked + families[family] + rng.normal(0, 0.02)
        for base, family, asked in bases.itertuples()
    }


def gaining_by(frame: pd.DataFrame, values: Mapping[str, float], slope: float) -> pd.DataFrame:
    """``frame`` with ``slope`` more gain for each unit of the base's statistic."""
    return frame.assign(after=frame["after"] + slope * frame["base"].map(dict(values)))


@pytest.fixture(scope="module", autouse=True)
def no_record() -> Iterator[None]:
    """Without the record of the planted run that is shipped: verdicts rest on the frame alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "_record", lambda: {"probes": {}})
        yield


@pytest.fixture(scope="module")
def planted_gain() -> dict[str, Any]:
    """Others start lower and gain more, which the statistic of one hypothesis explains."""
    frame = study_rows.frame(
        families=(8, 8), tasks=("sums",), start=(0.5, 0.3), gain=(0.2, 0.2), spread=0.005
    )
    cause, chance = of_bases(frame, apart=0.5), of_bases(frame, apart=0.0, seed=1)
    findings = {
        "test_task": found_in(cause),
        "template": found_in(chance),
        "rank": found_in(dict.fromkeys(cause, None)),
        "spurious": found_in(dict.fromkeys(cause, 0.4)),
    }
    return study(
        gaining_by(frame, cause, -0.3),
        findings=findings,
        settings=replace(SETTINGS, registered=("test_task", "template", "rank")),
        registration={"hash": "abc", "registered": "now", "results_then": 0, "changed": []},
        holes=[{"base": "x", "output": "y", "fact": "f", "cause": "c"}],
    )


def test_every_section_is_there(planted_gain: dict[str, Any]) -> None:
    assert tuple(planted_gain) == SECTIONS
    assert len(planted_gain["answer"]) == 2
    assert planted_gain["registration"]["hash"] == "abc"
    assert planted_gain["holes"][0]["base"] == "x"
    assert planted_gain["groups"]["sizes"]["Chinese"] == {"families": 8, "bases": 16}
    assert len(planted_gain["groups"]["bases"]) == 32
    assert planted_gain["conditions"]["rules"]["explain"].startswith("Supported: ")


def test_a_planted_difference_and_its_explanation_are_found(planted_gain: dict[str, Any]) -> None:
    assert planted_gain["verdict"]["gain"] == "lower"
    assert planted_gain["paradox"]["shown"]
    rows = {one["name"]: one for one in planted_gain["hypotheses"]}
    cause = rows["test_task"]
    assert cause["verdict"] == "supported"
    values = pd.DataFrame(cause["bases"])
    means = values.groupby(["group", "family"])["value"].mean().groupby("group").mean()
    assert cause["effect"]["value"] == pytest.approx(means["Chinese"] - means["others"], abs=0.01)
    assert cause["effect"]["adjustment"] == "Holm"
    assert cause["explains"]["share"] == pytest.approx(1.0, abs=0.3)
    gain = next(one for one in planted_gain["estimands"] if one["name"] == "gain")
    assert cause["explains"]["gain_difference"] == pytest.approx(gain["value"], rel=1e-4)
    assert cause["words"].startswith("Supported: ") and "points" in cause["words"]
    assert "training on the test task" in planted_gain["answer"][1]


def test_what_was_not_planted_is_not_found(planted_gain: dict[str, Any]) -> None:
    rows = {one["name"]: one for one in planted_gain["hypotheses"]}
    assert rows["template"]["verdict"] != "supported"
    assert rows["spurious"]["verdict"] == "not supported"
    assert rows["spurious"]["effect"]["adjustment"] == "BH"
    assert rows["rank"]["verdict"] == "cannot tell"
    assert rows["rank"]["effect"] is None and "could not be measured" in rows["rank"]["missing"]
    # What could not be measured was registered all the same: Holm counts three.
    effect = rows["test_task"]["effect"]
    assert effect["p_adjusted"] == pytest.approx(3 * max(effect["p"], effect["p_permutation"]))


def test_a_probe_that_failed_its_positive_control_tells_nothing(
    planted_gain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = {"fired": 3, "of": 3, "undecided": 0, "ci95": [0.44, 1.0]}
    row = {"version": hypotheses()["test_task"].version, "own_rate": rate, "elsewhere": rate}
    record = {"key": "abc", "probes": {"test_task": {**row, "passed": False}}}
    monkeypatch.setattr(controls, "_record", lambda: record)
    frame = study_rows.frame(
        families=(8, 8), tasks=("sums",), start=(0.5, 0.3), gain=(0.2, 0.2), spread=0.005
    )
    cause = of_bases(frame, apart=0.5)
    settings = replace(SETTINGS, registered=("test_task",))
    findings = {"test_task": found_in(cause)}
    found = study(gaining_by(frame, cause, -0.3), findings=findings, settings=settings)
    (judged,) = found["hypotheses"]
    supported = next(one for one in planted_gain["hypotheses"] if one["name"] == "test_task")
    assert supported["verdict"] == "supported" and judged["verdict"] == "cannot tell"
    assert "failed its positive control" in judged["words"] and judged["control"]["of"] == 3


def test_every_base_of_a_hypothesis_has_its_side_and_what_it_shows(
    planted_gain: dict[str, Any],
) -> None:
    row = next(one for one in planted_gain["hypotheses"] if one["name"] == "test_task")
    assert len(row["bases"]) == 32
    for base in row["bases"]:
        assert base["group"] == ("Chinese" if base["base"].startswith("Chinese") else "others")
        finding = Finding(base["value"], tuple(base["ci95"]), base["n"], base["words"])
        assert base["fires"] == hypotheses()["test_task"].decide(finding, [])


def test_no_difference_is_equivalent_and_explains_nothing() -> None:
    frame = study_rows.frame(families=(8, 8), bases=1, tasks=("sums",), spread=0.008)
    cause = of_bases(frame, apart=0.5)
    settings = replace(SETTINGS, registered=("test_task",), margin=0.04)
    found = study(frame, findings={"test_task": found_in(cause)}, settings=settings)
    assert found["verdict"]["gain"] == found["verdict"]["final"] == "equivalent"
    (row,) = found["hypotheses"]
    assert row["verdict"] == "not supported" and "nothing to explain" in row["words"]
    assert not found["paradox"]["shown"]


def test_a_planted_study_judges_its_probes_by_its_own_causes() -> None:
    frame = study_rows.frame(families=(4, 2), bases=1, tasks=("sums",))
    facts = {
        name: replace(one, cause="task_format" if k < 3 else "clean")
        for k, (name, one) in enumerate(facts_of(frame).items())
    }
    values = {name: 0.9 if one.cause == "task_format" else 0.0 for name, one in facts.items()}
    settings = replace(SETTINGS, facts=facts, registered=("test_task",))
    found = study(frame, findings={"test_task": found_in(values)}, settings=settings)
    (row,) = found["planted"]["rows"]
    assert (row["own_rate"]["fired"], row["own_rate"]["of"]) == (3, 3)
    (judged,) = found["hypotheses"]
    assert judged["control"]["passed"] is True and judged["control"]["false_of"] == 3
    assert found["answer"][0] == found["planted"]["words"][0]
    # A probe that misses its own cause says nothing of the groups.
    blind = found_in(dict.fromkeys(facts, 0.0))
    failed = study(frame, findings={"test_task": blind}, settings=settings)["hypotheses"][0]
    assert failed["control"]["passed"] is False and failed["verdict"] == "cannot tell"
    assert "failed its positive control (found 0 of 3" in failed["words"]


def test_collapsed_runs_are_left_out_and_counted() -> None:
    frame = study_rows.frame(families=(3, 3), bases=1)
    broken = frame.assign(collapsed=frame["base"] == "Chinese-0-0")
    broken.loc[broken["collapsed"], "after"] = 0.0
    found = study(broken)
    expected = study(frame[frame["base"] != "Chinese-0-0"])
    for one, other in zip(found["estimands"], expected["estimands"], strict=True):
        assert one["value"] == other["value"] and one["ci95"] == other["ci95"]
    assert found["estimands"][0]["collapsed"] == 4
    assert found["paradox"]["sides"] == expected["paradox"]["sides"]


@pytest.mark.parametrize("families", [(1, 1), (3, 1)])
def test_too_few_families_cannot_be_told(families: tuple[int, int]) -> None:
    frame = study_rows.frame(families=families, gain=(0.4, 0.1))
    findings = {"test_task": found_in(of_bases(frame, apart=1.0))}
    settings = replace(SETTINGS, registered=("test_task",))
    found = study(frame, findings=findings, settings=settings)
    assert set(found["verdict"].values()) == {"cannot tell"}
    assert not found["power"]["can_answer"] and found["power"]["smallest"] is None
    assert found["hypotheses"][0]["verdict"] == "cannot tell"
    assert "cannot be told" in found["answer"][0]
    assert found["power"]["words"][0].startswith("This design cannot answer the question: ")


def test_one_group_and_no_row_at_all_are_told_too() -> None:
    frame = study_rows.frame()
    findings = {"test_task": found_in(of_bases(frame, apart=0.5))}
    alone = study(frame[frame["asked"]], findings=findings)
    assert "cannot be told" in alone["answer"][0]
    nothing = study(frame.iloc[:0], findings=findings)
    assert nothing["estimands"][0]["value"] is None
    assert nothing["hypotheses"][0]["verdict"] == "cannot tell"


def test_power_is_that_of_the_spread_that_was_seen() -> None:
    from workbench.study.statistics.power import design_power

    frame = study_rows.frame(families=(5, 5), spread=0.05)
    found = study(frame)
    power = found["power"]
    assert power["spread_source"] == "seen"
    assert power["spread"] == pytest.approx(found["model"]["mean_sd"]["family"])
    assert power["families"] == {"Chinese": 5, "others": 5} and power["seeds"] == 2
    groups = {side: {f"{side}{k}": 2 for k in range(5)} for side in ("Chinese", "others")}
    expected = design_power(
        groups, seeds=2, items=10_000, spread=power["spread"], asked="Chinese",
        base_spread=power["base_spread"], seed_spread=found["model"]["sd"]["seed"],
    )  # fmt: skip
    assert power["smallest"] == expected.smallest
    assert power["curve"] == [list(pair) for pair in expected.curve]


def test_whatever_json_has_no_word_for_is_written_plainly() -> None:
    given = {"a": (1, np.float64(0.5)), "b": math.nan, "c": np.array([1.0, math.inf]), 2: {3}}
    assert plain(given) == {"a": [1, 0.5], "b": None, "c": [1.0, None], "2": [3]}
    assert plain(np.bool_(True)) is True
