"""The plan: parents first, and keys that change with what makes an output and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.recipe.check import checked_plan
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.lock import lock
from workbench.recipe.plan import Plan, make_plan

Load = Callable[..., LoadedRecipe]
hard = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

#: One layer twice and another left out: as deep as its parent, so that all can be merged.
PATH = {"blocks": [[0, 1]], "drop": [[1, 2]]}


def step(kind: str, parents: list[str], lora_r: int = 4) -> dict[str, Any]:
    if kind == "finetune":
        data = [{"path": "data.jsonl", "type": "prompt_completion"}]
        return {kind: {"base_model": parents[0], "datasets": data, "lora_r": lora_r}}
    if kind == "relayer":
        return {kind: {"model": parents[0], **PATH}}
    models = [{"model": p, "parameters": {"weight": 1 / lora_r}} for p in parents]
    return {kind: {"merge_method": "linear", "models": models}}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A recipe of up to seven outputs, each made from the base or from those before it."""
    outputs: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["finetune", "relayer", "merge"]))
        choices = ["tiny", *outputs]
        parents = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True))
        outputs[f"out{number}"] = step(kind, parents)
    return {"name": "g", "bases": {"tiny": {"base_model": "base"}}, "outputs": outputs}


def parents_in(recipe: dict[str, Any], name: str) -> set[str]:
    """Parents, read off the YAML by another way than the workbench's."""
    found: set[str] = set()
    ahead = [recipe["outputs"].get(name, {})]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            found |= {v for k, v in value.items() if k in ("model", "base_model")}
            ahead += value.values()
        elif isinstance(value, list):
            ahead += value
    return found


def descendants(recipe: dict[str, Any], name: str) -> set[str]:
    found = {name}
    for _ in recipe["outputs"]:
        found |= {o for o in recipe["outputs"] if parents_in(recipe, o) & found}
    return found


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        dice.shuffle(items)
        return {key: shuffled(child, dice) for key, child in items}
    return [shuffled(v, dice) for v in value] if isinstance(value, list) else value


def keys(plan: Plan) -> dict[str, str]:
    return {node.id: node.key for node in plan.nodes.values()}


def write(recipe: dict[str, Any]) -> str:
    return yaml.safe_dump(recipe, sort_keys=False)


@hard
@given(graphs(), st.randoms())
def test_parents_come_first_and_order_and_remarks_do_not_matter(
    load: Load, recipe: dict[str, Any], dice: random.Random
) -> None:
    plan = make_plan(load(write(shuffled(recipe, dice))))
    seen: set[str] = set()
    for node in plan.nodes.values():
        assert set(node.parents) <= seen
        assert set(node.parents) == parents_in(recipe, node.id)
        seen.add(node.id)
    assert seen == {"tiny", *recipe["outputs"]}
    remarked = "# a remark\n" + write(shuffled(recipe, dice)).replace("\n", "   # more\n", 1)
    again = make_plan(load(remarked))
    assert keys(again) == keys(plan)
    assert again.key == plan.key


@hard
@given(graphs(), st.data())
def test_a_change_remakes_an_output_and_its_descendants_only(
    load: Load, recipe: dict[str, Any], data: st.DataObject
) -> None:
    before = keys(make_plan(load(write(recipe))))
    name = data.draw(st.sampled_from(sorted(recipe["outputs"])))
    (kind,) = recipe["outputs"][name]
    if kind == "relayer":
        recipe["outputs"][name][kind]["blocks"] = [[2, 3]]
    elif kind == "finetune":
        recipe["outputs"][name][kind]["lora_r"] = 5
    else:
        recipe["outputs"][name][kind]["models"][0]["parameters"]["weight"] = 0.9
    plan = make_plan(load(write(recipe)))
    after = keys(plan)
    changed = {each for each in before if before[each] != after[each]}
    assert changed == descendants(recipe, name)


@hard
@given(graphs(), st.lists(st.integers(0, 9), min_size=2, max_size=3, unique=True))
def test_another_seed_remakes_nothing(load: Load, recipe: dict[str, Any], seeds: list[int]) -> None:
    many = make_plan(load(write({**recipe, "seeds": seeds})))
    for seed in seeds:
        single = make_plan(load(write({**recipe, "seeds": [seed]})))
        for node in single.nodes.values():
            twin = f"{node.name}@{seed}" if node.seed is not None else node.name
            assert many.nodes[twin].key == node.key
            assert many.nodes[twin].seed == node.seed
    seeded = {n.name for n in many.nodes.values() if n.seed is not None}
    trained = [o for o, s in recipe["outputs"].items() if "finetune" in s]
    assert seeded == {d for name in trained for d in descendants(recipe, name)}
    assert len(many.nodes) == 1 + len(recipe["outputs"]) + len(seeded) * (len(seeds) - 1)


def test_a_random_merge_method_has_a_seed(load: Load) -> None:
    recipe = {
        "name": "r",
        "seeds": [1, 2],
        "bases": {"tiny": {"base_model": "base"}},
        "outputs": {
            "dare": {
                "merge": {
                    "merge_method": "dare_linear",
                    "base_model": "tiny",
                    "models": [{"model": "tiny", "parameters": {"weight": 1.0, "density": 0.5}}],
                }
            },
            "plain": step("merge", ["tiny"]),
        },
    }
    plan = make_plan(load(write(recipe)))
    assert set(plan.nodes) == {"tiny", "dare@1", "dare@2", "plain"}
    assert plan.nodes["dare@1"].key != plan.nodes["dare@2"].key


def test_layers_follow_the_paths(load: Load) -> None:
    outputs = {
        "a": {"relayer": {"model": "tiny", "blocks": [[1, 4]]}},
        "b": {"relayer": {"model": "a", "layers": [0, 8]}},
        "c": step("finetune", ["b"]),
    }
    recipe = {"name": "l", "bases": {"tiny": {"base_model": "base"}}, "outputs": outputs}
    plan = make_plan(load(write(recipe)))
    assert [plan.nodes[n].layers for n in ("tiny", "a", "b", "c")] == [6, 9, 2, 2]


RECIPE = {
    "name": "k",
    "bases": {"tiny": {"base_model": "base"}},
    "outputs": {"t": step("finetune", ["tiny"]), "d": step("relayer", ["t"])},
}


def test_the_key_depends_on_contents_and_not_on_names(load: Load, bench: Path) -> None:
    before = keys(make_plan(load(write(RECIPE))))
    moved = write(RECIPE).replace("data.jsonl", "other/rows.jsonl")
    (bench / "other").mkdir()
    (bench / "other" / "rows.jsonl").write_bytes(Path("data.jsonl").read_bytes())
    assert keys(make_plan(load(moved))) == before
    renamed = make_plan(
        load(write(RECIPE).replace(" t:", " u:").replace("model: t\n", "model: u\n"))
    )
    assert renamed.nodes["u"].key == before["t"] and renamed.nodes["d"].key == before["d"]
    (bench / "other" / "rows.jsonl").write_text(
        '{"prompt": "1+1=", "completion": "3"}\n', encoding="utf-8"
    )
    after = keys(make_plan(load(moved)))
    assert after["t"] != before["t"] and after["d"] != before["d"]
    assert after["tiny"] == before["tiny"]


def test_the_key_depends_on_how_the_base_is_loaded_and_on_the_template(
    load: Load, bench: Path
) -> None:
    before = make_plan(load(write(RECIPE)))
    other = make_plan(load(write(RECIPE), "bases.tiny.dtype=bfloat16"))
    assert all(other.nodes[n].key != before.nodes[n].key for n in before.nodes)
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (bench / "chat.jinja").write_text(template, encoding="utf-8")
    from_file = make_plan(load(write(RECIPE), "outputs.t.finetune.chat_template=chat.jinja"))
    inline = make_plan(load(write(RECIPE), f'outputs.t.finetune.chat_template="{template}"'))
    assert keys(from_file) == keys(inline) != keys(before)


def test_a_lock_is_a_recipe_that_makes_the_same(load: Load) -> None:
    text = write({**RECIPE, "seeds": [3, 4]})
    loaded = load(text, "outputs.t.finetune.lora_r=7")
    plan = checked_plan(loaded, Path())
    locked = yaml.safe_load(lock(loaded, plan))
    assert locked["sets"] == ["outputs.t.finetune.lora_r=7"]
    assert locked["versions"]["peft"]
    again = checked_plan(load(write(locked["recipe"])))
    assert again.key == plan.key
    assert {n["id"]: n["key"] for n in locked["nodes"]} == keys(plan)


def test_the_evaluation_is_part_of_the_plans_key(load: Load) -> None:
    scored = {"suite": "quick"}
    plan, none = (make_plan(load(write({**RECIPE, "evaluate": e}))) for e in (scored, None))
    limited = make_plan(load(write({**RECIPE, "evaluate": scored}), "evaluate.limit=3"))
    assert len({plan.key, none.key, limited.key}) == 3
    assert keys(plan) == keys(none) == keys(limited)
    assert make_plan(load(write(RECIPE))).key == plan.key, "scored without being asked"
    assert plan.suite is not None and plan.suite.name


@pytest.mark.parametrize("depth", [1500])
def test_a_long_chain_needs_no_deep_stack(load: Load, depth: int) -> None:
    outputs = {
        f"o{i}": {"relayer": {"model": f"o{i + 1}" if i + 1 < depth else "tiny", **PATH}}
        for i in range(depth)
    }
    recipe = {"name": "deep", "bases": {"tiny": {"base_model": "base"}}, "outputs": outputs}
    plan = make_plan(load(write(recipe)))
    assert list(plan.nodes) == ["tiny", *(f"o{i}" for i in reversed(range(depth)))]
