"""Every scan recipe that ships passes ``check`` on the hardware that its head names."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.recipe.offline import check_offline
from workbench.evaluate.suites import CHECKOUT
from workbench.recipe.check import checked_plan
from workbench.recipe.load import load_recipe
from workbench.recipe.machine import machine_on
from workbench.relayer.path import resolve

FOLDER = CHECKOUT / "recipes" / "scan"
NAMED = {
    "qwen2-72b": "2xRTX-4090",
    "qwen2.5-7b": "RTX-3060",
    "llama-3-70b": "2xRTX-4090",
    "gemma-2-27b": "RTX-4090",
    "qwen3.5-27b": "RTX-4090",
    "streamed-70b": "RTX-3060",
}
PUBLISHED = {
    "qwen2-72b": {(45, 52)},
    "qwen3.5-27b": {(24, 35), (33, 34), (31, 34), (30, 35), (26, 34)},
}


@pytest.mark.parametrize("name", NAMED)
def test_it_checks_without_network_torch_or_warning(name: str, tmp_path: Path) -> None:
    file = FOLDER / f"{name}.yaml"
    command = f"workbench check recipes/scan/{name}.yaml --on {NAMED[name]}"
    head = file.read_text(encoding="utf-8").split("\nname:")[0]
    assert command in head and f"workbench run recipes/scan/{name}.yaml" in head
    found = []
    for _ in range(2):
        start = time.perf_counter()
        done = check_offline(file, NAMED[name], tmp_path)
        found.append(time.perf_counter() - start)
        if found[-1] < 2:
            break
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert min(found) < 2
    # What its head says of memory is what is predicted.
    said = re.search(r"# +memory +([0-9.]+) GB", head)
    told = re.search(r"^ ?best +([0-9.]+) GB", done.stdout, re.MULTILINE)
    assert said is not None and told is not None, done.stdout
    assert float(said[1]) == pytest.approx(float(told[1]), rel=0.02)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_blocks_stand_beside_the_scan(name: str) -> None:
    plan = checked_plan(load_recipe(FOLDER / f"{name}.yaml", ()))
    layers = plan.nodes["qwen"].layers
    assert layers is not None
    paths = {resolve(node.config, layers) for node in plan.nodes.values() if node.kind == "relayer"}
    assert paths == {(*range(j), *range(i, layers)) for i, j in PUBLISHED[name]}
    assert plan.suite is not None


def test_every_scan_recipe_is_here() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*NAMED, "planted"}
    for name in NAMED.values():
        machine_on(name)
