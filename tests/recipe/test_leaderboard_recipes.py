"""Every leaderboard recipe that ships passes ``check`` on the hardware that its head names.

And what its head says of memory, disk and time is what is predicted, to the digits that it gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.recipe.offline import check_offline
from workbench.evaluate.suites import CHECKOUT
from workbench.leaderboard.published import read
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import Estimate, estimate, totals
from workbench.recipe.load import load_recipe
from workbench.recipe.machine import machine_on
from workbench.recipe.plan import Plan
from workbench.relayer.path import resolve

FOLDER = CHECKOUT / "recipes" / "leaderboard"
NAMED = {
    "rys-xlarge": "2xRTX-4090",
    "rys-xlarge-base": "2xRTX-4090",
    "calme-2.1-rys-78b": "A100-80GB",
    "calmerys-78b-orpo": "A100-80GB",
    "qwen2-72b-instruct": "2xRTX-4090",
    "llama-3-70b-instruct": "2xRTX-4090",
    "rys-llama-3-large": "2xRTX-4090",
    "gemma-2-27b-it": "RTX-4090",
    "yi-1.5-34b-chat": "RTX-4090",
}
#: How many hours a word of time has.
HOURS = {"hours": 1.0, "days": 24.0}


def head_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").split("\nname:")[0]


def predicted(name: str, card: str, *sets: str) -> tuple[Plan, Mapping[str, Estimate], Any]:
    plan = checked_plan(load_recipe(FOLDER / f"{name}.yaml", sets))
    found = estimate(plan, machine_on(card))
    return plan, found, totals(found, set(plan.nodes), set(plan.nodes))


def close(said: str, told: float) -> bool:
    """Whether ``said`` is ``told`` to the digits that it has, and half of one more."""
    decimals = len(said.partition(".")[2])
    return abs(float(said) - told) <= 0.75 * 10.0**-decimals


@pytest.mark.parametrize("name", NAMED)
def test_it_checks_without_network_torch_or_warning(name: str, tmp_path: Path) -> None:
    file = FOLDER / f"{name}.yaml"
    command = f"workbench check recipes/leaderboard/{name}.yaml --on {NAMED[name]}"
    assert command in head_of(name) and f"workbench run recipes/leaderboard/{name}.yaml" in head_of(
        name
    )
    done = check_offline(file, NAMED[name], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "scored on: leaderboard-v2 (6 tasks, 21,606 items" in done.stdout
    assert "is held against" in done.stdout


@pytest.mark.parametrize("name", NAMED)
def test_its_head_says_what_is_predicted(name: str) -> None:
    head = head_of(name)
    plan, found, sums = predicted(name, NAMED[name])
    costs = [each.scoring for each in found.values() if each.scoring is not None]
    assert len(costs) == len(plan.nodes)
    largest = max(costs, key=lambda cost: cost.on_a_card)
    memory = re.search(r"^# +memory +([\d.]+) GB of weights \+ ([\d.]+) GB", head, re.MULTILINE)
    assert memory is not None
    assert close(memory[1], largest.weights / 1e9) and close(memory[2], largest.held / 1e9)
    trained = re.search(r"([\d.]+) GB to train", head)
    tuned = [each for i, each in found.items() if plan.nodes[i].kind == "finetune"]
    assert (trained is None) == (not tuned)
    if trained is not None:
        assert close(trained[1], (tuned[0].memory_bytes or 0) / 1e9)
    disk = re.search(r"^# +disk +(\d+) GB", head, re.MULTILINE)
    assert disk is not None and close(disk[1], sums["disk_bytes"] / 1e9)
    time = re.search(r"^# +time +([\d.]+) (hours|days) on (an|two) ", head, re.MULTILINE)
    assert time is not None and close(time[1], sums["seconds"] / 3600 / HOURS[time[2]])
    assert (time[3] == "two") is NAMED[name].startswith("2x")
    look = re.search(r"^# +first look +([\d.]+) hours with --set (\S+):", head, re.MULTILINE)
    assert look is not None
    _, _, first = predicted(name, NAMED[name], look[2])
    assert close(look[1], first["seconds"] / 3600)


@pytest.mark.parametrize("name", NAMED)
def test_larger_batches_on_a_larger_card(name: str) -> None:
    said = re.search(
        r"([\d.]+)\s+(hours|days)\s+on an A100[^;:]*?and\s+--set (evaluate\.batch_size=\d+)",
        head_of(name).replace("\n#", " "),
    )
    if said is None:
        assert NAMED[name] == "A100-80GB"
        return
    _, found, sums = predicted(name, "A100-80GB", said[3])
    assert close(said[1], sums["seconds"] / 3600 / HOURS[said[2]])
    room = machine_on("A100-80GB").gpu_free
    assert all(each.scoring and each.scoring.on_a_card < room for each in found.values())


@pytest.mark.parametrize("name", NAMED)
def test_weights_and_conditions_are_the_entrys(name: str) -> None:
    """Checkpoints are pinned to what the leaderboard measured, in the template that it used."""
    loaded = load_recipe(FOLDER / f"{name}.yaml", ())
    recipe = loaded.recipe
    rows = {row.entry: row for row in read("leaderboard-v2") if row.snapshot == "2024-10"}
    for base in recipe.bases.values():
        assert base.revision == rows[base.base_model].revision
        assert base.load_in_4bit and base.dtype == "bfloat16"
    assert recipe.evaluate is not None and recipe.reproduces
    asked = recipe.evaluate.apply_chat_template
    for each in recipe.reproduces:
        assert each.snapshot == "2024-10"
        wanted = rows[each.entry].chat_template
        assert asked == "both" or wanted is bool(asked), each.entry
    # A checkpoint that is measured as itself is held against its own entry.
    for each in recipe.reproduces:
        if each.output in recipe.bases:
            assert recipe.bases[each.output].base_model == each.entry


def test_the_layouts_of_rys() -> None:
    plan = checked_plan(load_recipe(FOLDER / "rys-xlarge.yaml", ()))
    rys, guess = plan.nodes["rys"], plan.nodes["rys_86"]
    assert (rys.layers, guess.layers) == (87, 86)
    assert resolve(rys.config, 80) == (*range(52), *range(45, 80))
    large = checked_plan(load_recipe(FOLDER / "rys-llama-3-large.yaml", ())).nodes["rys"]
    assert large.layers == 84


def test_every_leaderboard_recipe_is_here() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*NAMED, "tiny-entry"}
