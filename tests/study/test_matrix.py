"""A study's matrix against the same outputs written by hand: equal names, equal keys."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.recipe.check import checked_plan
from workbench.recipe.load import load_recipe
from workbench.recipe.lock import lock
from workbench.recipe.plan import Plan
from workbench.study.design.matrix import Cell

Load = Callable[[dict[str, Any]], Plan]
hard = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

BASES = {"one": {"base_model": "tiny/sums"}, "two": {"base_model": "tiny/sums-qwen3"}}
SIDES = {"one": {"group": "Chinese", "family": "A"}, "two": {"group": "others", "family": "B"}}
DATA = [{"path": "data.jsonl", "type": "prompt_completion"}]
LORA: dict[str, Any] = {"base_model": "base", "datasets": DATA, "lora_r": 8, "max_steps": 3}
TUNED = {"finetune": LORA}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """``load(recipe)``: the plan of a recipe that is given as plain values."""
    (tmp_path / "data.jsonl").write_text(
        '{"prompt": "1+1=", "completion": "2"}\n{"prompt": "1+2=", "completion": "3"}\n' * 9
    )
    monkeypatch.chdir(tmp_path)

    def plan(recipe: dict[str, Any]) -> Plan:
        file = tmp_path / "recipe.yaml"
        # What stands twice is written twice: an anchor would be taken for a bomb, or for an alias.
        text = yaml.dump(copy.deepcopy(recipe), Dumper=_Plain, sort_keys=False)
        file.write_text(text, encoding="utf-8")
        return checked_plan(load_recipe(file))

    return plan


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def study(treatment: dict[str, Any], **more: Any) -> dict[str, Any]:
    block = {"question": "Which?", "bases": SIDES, "treatment": treatment, **more}
    return {"name": "s", "seeds": [0, 1], "bases": BASES, "study": block}


def by_hand(treatment: dict[str, Any], rates: Mapping[str, float | None]) -> dict[str, Any]:
    """The same outputs, each written out: ``rates`` maps what a name ends in to its rate."""
    outputs: dict[str, Any] = {}
    for base in BASES:
        for end, rate in rates.items():
            named = {"base": base} | {name: f"{base}-{name}{end}" for name in treatment}
            for name, output in treatment.items():
                outputs[named[name]] = _put(output, named, rate)
    return {"name": "s", "seeds": [0, 1], "bases": BASES, "outputs": outputs}


def _put(value: Any, named: dict[str, str], rate: float | None) -> Any:
    if isinstance(value, list):
        return [_put(each, named, rate) for each in value]
    if not isinstance(value, dict):
        return value
    found = {
        key: named.get(each, each) if key in ("base_model", "model") else _put(each, named, rate)
        for key, each in value.items()
    }
    return found | ({"learning_rate": rate} if "datasets" in found and rate else {})


def keys(plan: Plan) -> dict[str, str]:
    return {node.id: node.key for node in plan.nodes.values()}


CHAIN = {
    "tuned": TUNED,
    "doubled": {"relayer": {"model": "tuned", "blocks": [[3, 6]]}},
    "healed": {"finetune": {**LORA, "base_model": "doubled", "train_layers": "seam"}},
    "mixed": {
        "merge": {
            "merge_method": "linear",
            "base_model": "base",
            "tokenizer_source": "base",
            "models": [
                {"model": "base", "parameters": {"weight": 0.5}},
                {"model": "tuned", "parameters": {"weight": 0.5}},
            ],
        }
    },
}


def test_a_study_is_its_outputs_written_by_hand(load: Load) -> None:
    plan = load(study(CHAIN))
    assert keys(plan) == keys(load(by_hand(CHAIN, {"": None})))
    # mergekit's own word for "the base model's tokenizer" is no name of a base.
    assert plan.nodes["one-mixed@0"].config.tokenizer_source == "base"


def test_a_sweep_makes_the_whole_treatment_at_each_rate(load: Load) -> None:
    rates = {"": 1e-3, "-lr0.0001": 1e-4, "-lr0.01": 1e-2}
    plan = load(study(CHAIN, learning_rates=[1e-4, 1e-3, 1e-2], fixed_rate=1e-3))
    assert keys(plan) == keys(load(by_hand(CHAIN, rates)))
    assert plan.study is not None
    assert plan.study.rates == (1e-4, 1e-3, 1e-2)
    assert plan.study.fixed_rate == 1e-3
    healed = [cell for cell in plan.study.cells if (cell.base, cell.treatment) == ("two", "healed")]
    assert [(cell.output, cell.rate, cell.fixed) for cell in healed] == [
        ("two-healed", 1e-3, True),
        ("two-healed-lr0.0001", 1e-4, False),
        ("two-healed-lr0.01", 1e-2, False),
    ]


@st.composite
def treatments(draw: st.DrawFn) -> dict[str, Any]:
    """Up to five outputs, each made from the base or from those before it."""
    found: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["finetune", "relayer", "merge"]))
        above = draw(
            st.lists(st.sampled_from(["base", *found]), min_size=1, max_size=3, unique=True)
        )
        if kind == "finetune":
            step: dict[str, Any] = {**LORA, "base_model": above[0]}
        elif kind == "relayer":
            # One layer twice and another left out: as deep as its parent, so that all can merge.
            step = {"model": above[0], "blocks": [[0, 1]], "drop": [[1, 2]]}
        else:
            models = [{"model": name, "parameters": {"weight": 0.5}} for name in above]
            step = {"merge_method": "linear", "models": models}
        found[f"t{number}"] = {kind: step}
    return found


@hard
@given(treatments(), st.booleans())
def test_any_treatment_unfolds_as_a_person_would_write_it(
    load: Load, treatment: dict[str, Any], shuffled: bool
) -> None:
    # Outputs may be written in any order: parents are known by name.
    given_ = dict(reversed(treatment.items())) if shuffled else treatment
    assert keys(load(study(given_))) == keys(load(by_hand(treatment, {"": None})))


def test_what_no_rate_reaches_is_made_once(load: Load) -> None:
    treatment = {"twice": {"relayer": {"model": "base", "blocks": [[3, 6]]}}, "tuned": TUNED}
    plan = load(study(treatment, learning_rates=[1e-3, 1e-2], fixed_rate=1e-3))
    assert plan.study is not None
    twice = [cell for cell in plan.study.cells if cell.treatment == "twice"]
    assert twice == [
        Cell("one-twice", "one", "twice", 1e-3, fixed=True),
        Cell("two-twice", "two", "twice", 1e-3, fixed=True),
    ]


def test_the_treatments_own_rate_joins_the_sweep(load: Load) -> None:
    tuned = {"finetune": {**LORA, "learning_rate": 5e-3}}
    plan = load(study({"tuned": tuned}, learning_rates=[1e-3, 2e-3]))
    assert plan.study is not None
    assert (plan.study.rates, plan.study.fixed_rate) == ((1e-3, 2e-3, 5e-3), 5e-3)
    assert plan.nodes["one-tuned@0"].config.learning_rate == 5e-3
    # A rate equal to the fixed one is the fixed one.
    same = load(study({"tuned": tuned}, learning_rates=[1e-3, 2e-3, 5e-3]))
    assert keys(same) == keys(plan)


def test_arms_are_of_the_first_treatment_and_at_the_fixed_rate(load: Load) -> None:
    both = {"tuned": TUNED, "other": {"finetune": {**LORA, "max_steps": 4}}}
    plan = load(study(both, learning_rates=[1e-3], fixed_rate=1e-2, hypotheses=["spurious"]))
    assert plan.study is not None
    arms = [cell for cell in plan.study.cells if cell.hypothesis == "spurious"]
    assert {cell.treatment for cell in arms} == {"tuned"}
    for cell in arms:
        config = plan.nodes[f"{cell.output}@1"].config
        assert config.learning_rate == 1e-2
        assert [data.labels for data in config.datasets] == [cell.arm.partition("-")[0]]
        assert cell.output == f"{cell.base}-tuned-{cell.arm}"


def test_an_arm_that_is_the_treatment_is_not_made_again(load: Load) -> None:
    # The rank hypothesis trains at ranks of its own; one of them is the treatment's.
    plan = load(study({"tuned": TUNED}, hypotheses=["rank"]))
    assert plan.study is not None
    ranks: dict[int, list[Cell]] = {}
    for cell in plan.study.cells:
        if cell.base == "one":
            ranks.setdefault(plan.nodes[f"{cell.output}@0"].config.lora_r, []).append(cell)
    treatment, arm = ranks[LORA["lora_r"]]
    assert treatment.fixed
    assert arm.hypothesis == "rank"
    assert arm.output == treatment.output == "one-tuned"
    assert all(len(cells) == 1 for rank, cells in ranks.items() if rank != 8)


def test_ordinary_outputs_stand_beside_a_study(load: Load) -> None:
    recipe = study({"tuned": TUNED})
    recipe["outputs"] = {"twice": {"relayer": {"model": "one-tuned", "blocks": [[3, 6]]}}}
    plan = load(recipe)
    assert plan.nodes["twice@1"].parents == ("one-tuned@1",)


def test_the_lock_of_a_study_is_a_recipe_of_the_same_study(load: Load, tmp_path: Path) -> None:
    recipe = study(CHAIN, learning_rates=[1e-3], fixed_rate=1e-2, hypotheses=["rank"])
    plan = load(recipe)
    loaded = load_recipe(tmp_path / "recipe.yaml")
    again = load(yaml.safe_load(lock(loaded, plan))["recipe"])
    assert again.key == plan.key
    assert keys(again) == keys(plan)
    assert plan.study is not None
    assert again.study is not None
    assert again.study.registration == plan.study.registration
