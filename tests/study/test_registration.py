"""What was decided beforehand: its hash, its record, and what is said of a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UserError
from workbench.recipe.check import checked_plan
from workbench.recipe.load import load_recipe
from workbench.recipe.plan import Plan
from workbench.store.home import Home
from workbench.study.design.registration import (
    differences_of,
    identity_of,
    read_records,
    register,
    registered_keys,
)

RECIPE = """\
name: asked
seeds: [0, 1]
bases:
  one: {base_model: tiny/sums}
  two: {base_model: tiny/sums-llama}
study:
  question: Which?
  margin: 0.02
  bases:
    one: {group: Chinese, family: A}
    two: {group: others, family: B}
  treatment:
    tuned:
      finetune:
        base_model: base
        learning_rate: 0.001
        datasets: [{path: data.jsonl, type: prompt_completion}]
  hypotheses: [{name: rank, least: 0.1}]
"""

MakePlan = Callable[..., Plan]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
contents = st.dictionaries(st.text(max_size=4), values)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePlan:
    """``plan((old, new), …)``: the plan of the recipe with those texts replaced."""
    (tmp_path / "data.jsonl").write_text('{"prompt": "1+1=", "completion": "2"}\n' * 20)
    monkeypatch.chdir(tmp_path)

    def make(*changes: tuple[str, str]) -> Plan:
        text = RECIPE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("recipe.yaml").write_text(text, encoding="utf-8")
        return checked_plan(load_recipe(Path("recipe.yaml")))

    return make


def hash_of(plan: Plan) -> str:
    assert plan.study is not None
    return plan.study.registration.hash


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(list(value))}
    return [reordered(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(contents)
def test_the_order_of_keys_does_not_matter(content: dict[str, Any]) -> None:
    assert identity_of(content) == identity_of(reordered(content))
    assert differences_of(content, reordered(content)) == []


@settings(max_examples=40, deadline=None)
@given(contents, contents)
def test_a_difference_is_told_if_and_only_if_the_hash_differs(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert bool(differences_of(one, other)) == (identity_of(one) != identity_of(other))


def test_a_difference_reads_as_the_recipe_is_written() -> None:
    before = {"study": {"margin": 0.02}, "seeds": [0], "bases": {"a": {"group": "x"}}}
    after = {"study": {"margin": 0.05}, "seeds": [0, 1], "bases": {"a": {"group": "x", "c": 1}}}
    assert differences_of(before, after) == [
        "bases.a.c: not given → 1",
        "seeds: [0] → [0, 1]",
        "margin: 0.02 → 0.05",
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("question: Which?", "question: Which of the two?"),
        ("margin: 0.02", "margin: 0.03"),
        ("seeds: [0, 1]", "seeds: [0]"),
        ("family: B", "family: C"),
        ("learning_rate: 0.001", "learning_rate: 0.002"),
        ("least: 0.1", "least: 0.2"),
        ("hypotheses:", "explore:"),
        ("tiny/sums-llama", "tiny/sums-phi3"),
        ("name: asked", "name: asked\nevaluate: {suite: quick, limit: 20}"),
        ("  question", "  tasks: [sums_choice]\n  question"),
    ],
    ids=lambda change: change[1].partition(":")[0].strip(),
)
def test_what_was_decided_is_in_the_hash_and_in_the_plan_s_key(
    plan: MakePlan, change: tuple[str, str]
) -> None:
    before, after = plan(), plan(change)
    assert hash_of(before) != hash_of(after)
    assert before.key != after.key


def test_what_decides_nothing_is_not_in_the_hash(plan: MakePlan) -> None:
    before = plan()
    Path("elsewhere").mkdir()
    Path("data.jsonl").rename("elsewhere/same.jsonl")
    # Another place of the same data, a default written out, the order of keys, the recipe's name.
    after = plan(
        ("data.jsonl", "elsewhere/same.jsonl"),
        ("  margin: 0.02\n", ""),
        ("name: asked", "name: renamed"),
        ("  question: Which?", "  alpha: 0.05\n  margin: 0.02\n  question: Which?"),
    )
    assert hash_of(after) == hash_of(before)


def test_other_data_under_the_same_name_change_it(plan: MakePlan) -> None:
    before = hash_of(plan())
    Path("data.jsonl").write_text('{"prompt": "1+1=", "completion": "3"}\n' * 20)
    assert hash_of(plan()) != before


def test_a_study_registers_once_and_a_change_is_told(plan: MakePlan, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    # A character that some take for the end of a line.
    first = plan(("question: Which?", 'question: "Which?\\u2028"'))
    found = register(home, first, 0)
    assert found["hash"] == hash_of(first)
    assert (found["results_then"], found["changed"]) == (0, [])
    # Killed and run again, with results by then: nothing has changed.
    assert register(home, first, 7) == found
    assert len(read_records(home.studies / "asked.jsonl")) == 1

    second = plan(
        ("question: Which?", 'question: "Which?\\u2028"'), ("margin: 0.02", "margin: 0.05")
    )
    changed = register(home, second, 9)
    assert changed["hash"] == hash_of(second)
    assert changed["results_then"] == 9
    (change,) = changed["changed"]
    assert (change["hash"], change["results_seen"]) == (hash_of(second), 9)
    assert change["differences"] == ["margin: 0.02 → 0.05"]

    # Back again is a change too: by then the results were known.
    back = register(home, first, 12)
    assert [each["results_seen"] for each in back["changed"]] == [9, 12]
    assert back["changed"][1]["differences"] == ["margin: 0.05 → 0.02"]


def test_every_version_s_outputs_count_as_results(plan: MakePlan, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert registered_keys(home, "asked") == set()
    first, second = plan(), plan(("learning_rate: 0.001", "learning_rate: 0.002"))
    register(home, first, 0)
    register(home, second, 0)
    both = {node.key for made in (first, second) for node in made.nodes.values()}
    assert registered_keys(home, "asked") == both


def test_a_record_changed_by_hand_shows(plan: MakePlan, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    register(home, plan(), 5)
    register(home, plan(("margin: 0.02", "margin: 0.05")), 9)
    file = home.studies / "asked.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    records[0]["results_seen"] = 0
    file.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    (change,) = register(home, plan(("margin: 0.02", "margin: 0.05")), 9)["changed"]
    assert change["differences"][0] == "the record of the version before was edited afterwards"


@pytest.mark.parametrize("line", ["{", "[]", '{"hash": "x"}', "\x00"])
def test_a_record_that_cannot_be_read_is_not_overwritten(
    plan: MakePlan, tmp_path: Path, line: str
) -> None:
    home = Home(tmp_path / "home")
    register(home, plan(), 0)
    file = home.studies / "asked.jsonl"
    text = file.read_text(encoding="utf-8") + line + "\n"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"asked\.jsonl:2"):
        register(home, plan(), 0)
    assert file.read_text(encoding="utf-8") == text
