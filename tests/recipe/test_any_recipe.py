"""Whatever stands in a recipe, the answer is a plan or a list of problems with places."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import UserError
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import estimate
from workbench.recipe.load import LoadedRecipe

DATA = [{"path": "data.jsonl", "type": "prompt_completion"}]
GOOD: dict[str, Any] = {
    "name": "any",
    "seeds": [0, 1],
    "bases": {"tiny": {"base_model": "base", "dtype": "auto"}},
    "outputs": {
        "tuned": {"finetune": {"base_model": "tiny", "datasets": DATA, "train_layers": [1]}},
        "doubled": {"relayer": {"model": "tuned", "blocks": [[3, 6]]}},
        "mapped": {"relayer": {"model": "tuned", "layer_map": "0..3,2..5"}},
        "mixed": {
            "merge": {
                "merge_method": "ties",
                "base_model": "tiny",
                "models": [{"model": "tuned", "parameters": {"weight": 0.5, "density": 0.5}}],
                "tokenizer": {"source": "base"},
            }
        },
        "stacked": {
            "merge": {
                "merge_method": "passthrough",
                "slices": [
                    {"sources": [{"model": "tiny", "layer_range": [0, 4]}]},
                    {"sources": [{"model": "tuned", "layer_range": [2, 6]}]},
                ],
            }
        },
    },
    "evaluate": {"suite": "quick", "limit": 3},
}

STUDY: dict[str, Any] = {
    "name": "any",
    "bases": {"one": {"base_model": "base"}, "two": {"base_model": "tiny/sums"}},
    "outputs": {"again": {"relayer": {"model": "one-tuned", "blocks": [[3, 6]]}}},
    "study": {
        "question": "Which?",
        "asked": "Chinese",
        "bases": {
            "one": {"group": "Chinese", "family": "A", "compute": 1.0},
            "two": {"group": "others", "family": "B", "cause": "latent"},
        },
        "treatment": {
            "tuned": {"finetune": {"base_model": "base", "datasets": DATA, "train_layers": [1]}},
            "doubled": {"relayer": {"model": "tuned", "blocks": [[3, 6]]}},
        },
        "learning_rates": [0.001, 0.01],
        "fixed_rate": 0.001,
        "tasks": ["sums_generate"],
        "suspect": "sums_choice",
        "hypotheses": ["depth", {"name": "rank", "least": 0.1}],
        "explore": ["contamination"],
        "margin": 0.05,
    },
    "evaluate": {"suite": "quick", "limit": 3},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(p for key, child in children for p in places(child, (*path, key)))]


WORDS = ["tiny", "tuned", "mixed", "lora_r", "finetune", "base", "union", "a/b", "", "../x", "1..2"]
junk = st.recursive(
    st.one_of(
        st.sampled_from(WORDS),
        st.integers(-3, 9),
        st.just(10**30),
        st.floats(-1, 2),
        st.booleans(),
        st.none(),
        st.text(max_size=4),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("good", [GOOD, STUDY], ids=["outputs", "study"])
@given(data=st.data())
def test_a_plan_or_problems(
    load: Callable[..., LoadedRecipe], good: dict[str, Any], data: st.DataObject
) -> None:
    recipe = copy.deepcopy(good)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(places(recipe)[1:]))
        holder = recipe
        for step in path:
            holder = holder[step]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[last]
            if data.draw(st.booleans()):
                holder[data.draw(st.sampled_from([*WORDS, f"{last}x"]))] = data.draw(junk)
        else:
            holder[last] = data.draw(junk)
    try:
        plan = checked_plan(load(yaml.safe_dump(recipe, allow_unicode=True)))
    except UserError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.fact and problem.where is not None, problem
        return
    assert set(estimate(plan)) == set(plan.nodes)
