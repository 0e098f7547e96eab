"""A number of any size, anywhere in a recipe, is refused or harmless: in bounded memory, at once.

Each case runs where the address space is bounded: a list that grows with a number would end in
MemoryError rather than take the machine's memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import Problem

Faults = Callable[..., list[Problem]]

#: Puts a number at every place of a recipe and in every field that a config has, one at a time.
EVERYWHERE = """
import copy, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from pathlib import Path
import yaml
from workbench.bases.config import BaseConfig
from workbench.errors import UserError
from workbench.evaluate.config import EvaluateConfig
from workbench.finetune.config import DatasetConfig, FinetuneConfig
from workbench.merge.config import MergeConfig
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import estimate
from workbench.recipe.load import load_recipe
from workbench.recipe.room import memory_warnings
from workbench.relayer.config import RelayerConfig
from tests.recipe.test_any_recipe import GOOD, places

FIELDS = {
    ("bases", "tiny"): BaseConfig,
    ("outputs", "tuned", "finetune"): FinetuneConfig,
    ("outputs", "tuned", "finetune", "datasets", 0): DatasetConfig,
    ("outputs", "doubled", "relayer"): RelayerConfig,
    ("outputs", "mixed", "merge"): MergeConfig,
    ("evaluate",): EvaluateConfig,
}
spots = dict.fromkeys(places(GOOD)[1:])
spots |= {(*path, name): None for path, model in FIELDS.items() for name in model.model_fields}
spots[("outputs", "mixed", "merge", "tokenizer", "pad_to_multiple_of")] = None

def judged(sets=()):
    try:
        plan = checked_plan(load_recipe(Path("recipe.yaml"), sets))
    except UserError as error:
        return [str(problem) for problem in error.problems]
    memory_warnings(plan, estimates=estimate(plan))
    return []

slowest = 0.0
for *path, last in spots:
    recipe = copy.deepcopy(GOOD)
    holder = recipe
    for step in path:
        holder = holder[step]
    for number in NUMBERS:
        holder[last] = number
        Path("recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        start = time.perf_counter()
        told = judged()
        slowest = max(slowest, time.perf_counter() - start)
        if isinstance(number, int) and abs(number) >= 10**15:
            assert told, (path, last, number)
Path("recipe.yaml").write_text(yaml.safe_dump(GOOD), encoding="utf-8")
assert judged() == []
for key in ("outputs.stacked.merge.slices.0.sources.0.layer_range.1",
            "outputs.doubled.relayer.blocks.0.1", "outputs.tuned.finetune.max_steps"):
    for number in NUMBERS:
        judged([f"{key}={number}"])
print(len(spots), slowest)
"""


def test_numbers_everywhere_within_a_gigabyte(bench: Path) -> None:
    root = Path(__file__).parents[2]
    code = f"NUMBERS = [10**30, 10**12]\n{EVERYWHERE}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "HOME": str(bench)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    spots, slowest = map(float, done.stdout.split())
    assert spots > 80 and slowest < 2


def slices(count: int, end: int, model: str) -> str:
    part = f"      - {{sources: [{{model: {model}, layer_range: [0, {end}]}}]}}\n"
    return (
        "name: s\noutputs:\n  stacked:\n    merge:\n      merge_method: passthrough\n"
        "      slices:\n" + part * count
    )


@pytest.mark.parametrize("count", [1, 400])
def test_a_range_beyond_the_model_is_not_written_out(faults: Faults, count: int) -> None:
    told = faults(slices(count, 10**14, "./base"))
    assert len(told) == count and "which has 6" in told[0].fact
    assert told[0].where is not None and told[0].where.line == 7


@pytest.mark.parametrize(("count", "end"), [(1, 10**14), (2000, 6)])
def test_more_layers_than_any_model_has(faults: Faults, count: int, end: int) -> None:
    (told,) = faults(slices(count, end, "some/unheard-of" if count == 1 else "./base"))
    assert f"make {count * end} layers" in told.fact and told.where is not None


def test_a_block_repeated_without_end(faults: Faults) -> None:
    text = "name: s\noutputs:\n  long:\n    relayer: {model: ./base, blocks: [%s]}\n"
    start = time.perf_counter()
    (told,) = faults(text % ", ".join(["[0, 6]"] * 20_000))
    assert "visits 120006 layers" in told.fact and told.where is not None
    assert time.perf_counter() - start < 10


def test_numbers_that_nobody_means(faults: Faults) -> None:
    text = slices(1, 6, "./base") + "evaluate: {suite: quick, limit: 3}\n"
    (told,) = faults(text, f"evaluate.limit={10**30}")
    assert "larger than any number" in told.fact and "--set" in str(told.where)
    (told, *_) = faults(text, "evaluate.limit=-1e300")
    assert "larger than any number" in told.fact
    (told,) = faults(text, "evaluate.seed=4294967296")
    assert "less than 4294967296" in told.fact
