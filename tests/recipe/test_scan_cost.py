"""What a scan will need: counts against the real tries and sweeps, and figures that are known."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cli.app import invoke
from workbench.errors import UserError
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import Estimate, estimate
from workbench.recipe.hardware import cards, known_card
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.machine import Machine, machine_on
from workbench.recipe.room import memory_warnings
from workbench.recipe.scan_paths import counts, share_measured
from workbench.recipe.scan_questions import questions
from workbench.scan import grid
from workbench.scan.config import BlocksConfig, RacingConfig, RepeatsConfig, ScanConfig
from workbench.scan.schedule.trie import build, naive_passes
from workbench.scan.search import blocks, repeats

CPU = Machine(8 << 30, 16 << 30, 2, None, 0, 0)
BIG = "Qwen/Qwen2-72B-Instruct"
LIKELIHOOD = {"name": "math-guess", "items": 32, "held_out": 64, "options": {"ask": "likelihood"}}


def recipe(base: str = BIG, *, in_4bit: bool = True, **scan: Any) -> str:
    return yaml.safe_dump(
        {
            "name": "s",
            "bases": {"b": {"base_model": base, "load_in_4bit": in_4bit}},
            "outputs": {"best": {"scan": {"model": "b", "probes": [LIKELIHOOD], **scan}}},
            "evaluate": None,
        }
    )


@pytest.fixture
def needs(load: Callable[..., LoadedRecipe]) -> Callable[..., Estimate]:
    """``needs(machine, base, **scan)``: the estimate of a recipe's one scan."""

    def find(machine: Machine, base: str = BIG, in_4bit: bool = True, **scan: Any) -> Estimate:
        text = recipe(base, in_4bit=in_4bit, **scan)
        return estimate(checked_plan(load(text)), machine)["best"]

    return find


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 14),
    st.one_of(st.none(), st.integers(1, 16)),
    st.sets(st.integers(2, 8), min_size=1),
)
def test_paths_and_passes_are_those_of_the_real_trie(
    layers: int, most: int | None, times: set[int]
) -> None:
    config = ScanConfig.model_validate(
        {
            "model": "m",
            "search": {"blocks": {"max_extra": most}, "repeats": {"times": sorted(times)}},
        }
    )
    real = blocks.paths_of(BlocksConfig(max_extra=most), layers)
    found = counts(config.search, layers)
    told = found[0]
    assert (told.paths, told.passes, told.visits) == (
        len(real),
        build(real).passes,
        naive_passes(real),
    )
    known = set(real)
    more = [
        p for p in repeats.paths_of(RepeatsConfig(times=sorted(times)), layers) if p not in known
    ]
    if more:
        told = found[1]
        assert (told.paths, told.passes, told.visits) == (
            len(more),
            build(more).passes,
            naive_passes(more),
        )


def test_a_full_scan_of_80_layers_is_the_published_one() -> None:
    (told,) = counts(ScanConfig(model="m").search, 80)
    assert told.paths == grid.count(80) == 3241
    assert told.passes == grid.layer_passes(80, shared=True)
    assert told.visits == grid.layer_passes(80, shared=False)


def test_what_a_race_measures() -> None:
    assert share_measured(None, 64) == 1
    assert share_measured(RacingConfig(first=8, keep=0.5), 8) == 1
    # Rungs of 8, 16, 32 and 64: 8 items for all, 8 more for a half, 16 for a quarter, 32 an eighth.
    assert share_measured(RacingConfig(first=8, keep=0.5), 64) == pytest.approx(20 / 64)


def test_questions_are_the_probes_own() -> None:
    config = ScanConfig.model_validate(
        {
            "model": "m",
            "probes": [
                {"name": "emotion", "items": 99},
                {"name": "math-guess", "options": {"max_new_tokens": 17}},
                {"name": "task:hellaswag"},
            ],
        }
    )
    emotion, guess, task = questions(config, 150_000)
    # Sixty scenes, half of them held out; four feelings each, which share the scene.
    assert (emotion.search, emotion.held_out, emotion.answers) == (30, 30, 4)
    assert emotion.shared < 0.6 * emotion.alone
    assert (guess.new, guess.answers, guess.shared) == (17, 17, guess.alone)
    assert task.guessed and not emotion.guessed
    # The likes of Qwen's tokenizer write four characters a token in English, the tiny bases one.
    assert questions(config, 300)[0].alone > 3 * emotion.alone


def test_tokens_through_layers_are_what_a_real_sweep_counts(
    load: Callable[..., LoadedRecipe], tmp_path: Path
) -> None:
    """A real scan of a tiny base: the work that it counts, beside what was predicted."""
    from workbench.bases.spec import ModelSpec
    from workbench.engine.scan import scan_model
    from workbench.progress import Silent
    from workbench.recipe.forward import forward
    from workbench.recipe.scan_load import Load, Room, together
    from workbench.recipe.sizes import base_size, dimensions
    from workbench.store.home import Home

    text = recipe(
        "base",
        in_4bit=False,
        anatomy=False,
        chat=False,
        probes=[{"name": "lm", "items": 12, "held_out": 0}],
    )
    plan = checked_plan(load(text))
    node = plan.nodes["best"]
    base = plan.nodes["b"].config
    told = plan.model_configs["b"]
    size, dims = base_size(base, told), dimensions(told)
    assert size is not None and dims is not None
    model = forward(size, base, size.parameters * 4, dims.layers, dims)
    (asked,) = questions(node.config, dims.vocabulary)
    (count,) = counts(node.config.search, dims.layers)
    work: Load = together(count, asked, asked.search, 1.0, model, Room(2**32, 1e12, 4096, 1e6))
    result, _ = scan_model(
        node.config, ModelSpec(base), "base", Home(tmp_path), out=None, progress=Silent()
    )
    assert result["cost"]["layer_passes"] == asked.search * count.passes
    assert work.tokens == pytest.approx(result["cost"]["layer_tokens"], rel=0.5)


def test_time_is_right_within_a_factor_of_five_here(needs: Callable[..., Estimate]) -> None:
    """Against runs of these very settings: 14.5 s on idle cores, 41 s on busy ones."""
    scan = {"probes": [{"name": "emotion", "items": 8, "held_out": 16}], "anatomy": False}
    found = needs(CPU, "tiny/sums", in_4bit=False, **scan)
    assert 41 / 5 < (found.seconds or 0) < 14.5 * 5


def test_cards_are_named_in_any_spelling() -> None:
    for text in ("2xRTX-4090", "2 x rtx 4090", "2×GeForce RTX 4090", "2*4090"):
        machine = machine_on(text)
        assert (machine.gpu, machine.cards, machine.gpu_total) == ("RTX-4090", 2, 24 << 30)
    assert machine_on("l40s").cards == 1
    assert known_card("NVIDIA H200") == cards()["H200-SXM"]
    assert known_card("NVIDIA GeForce RTX 3070") is None
    for card in cards().values():
        assert card.source and 1e13 < card.flops < 2e15 and 2e11 < card.bandwidth < 1e13


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("RTX-4900", "did you mean RTX-4090"),
        ("A100", "A100-40GB or A100-80GB"),
        ("0xL4", "give 1 to 64"),
        ("", "name one of these"),
    ],
)
def test_a_card_that_is_not_known(text: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        machine_on(text)
    (problem,) = caught.value.problems
    assert remedy in problem.remedy and caught.value.exit_code == 2


def test_memory_over_cards(load: Callable[..., LoadedRecipe]) -> None:
    plan = checked_plan(load(recipe()))
    for text, fits in (("2xRTX-4090", True), ("RTX-4090", False), ("A100-80GB", True)):
        machine = machine_on(text)
        told = memory_warnings(plan, machine, estimate(plan, machine))
        assert (told == []) is fits, text
    # Seven billion weights stay on one card, and the second is of no use to them.
    machine = machine_on("2xRTX-3060")
    small = checked_plan(load(recipe("Qwen/Qwen2.5-7B", memory_gib=10)))
    (warned,) = memory_warnings(small, machine, estimate(small, machine))
    assert "the GPU (2 x" not in warned.fact and "memory_gib: " in warned.remedy


def test_memory_is_weights_and_what_memory_gib_allows(needs: Callable[..., Estimate]) -> None:
    machine = machine_on("H200")
    for gib in (2.0, 6.0):
        found = needs(machine, memory_gib=gib)
        assert found.scan is not None and found.scan.held <= gib * 2**30
        assert found.memory_bytes == found.scan.weights + found.scan.held
    streamed = needs(machine, streamed=True)
    # NF4 layers of 72 B weights: two of eighty, beside 2.5 B embeddings and head in 16 bits.
    assert streamed.scan is not None
    assert streamed.scan.weights == pytest.approx(2 * 0.45e9 + 5.0e9, rel=0.05)
    assert streamed.scratch_bytes == pytest.approx(80 * 0.45e9, rel=0.05)


def test_time_follows_what_is_asked(needs: Callable[..., Estimate]) -> None:
    one, two = machine_on("RTX-4090"), machine_on("2xRTX-4090")

    def seconds(machine: Machine, **scan: Any) -> float:
        return needs(machine, **{"anatomy": False, **scan}).seconds or math.nan

    whole = seconds(one)
    # The count's own limit is 2; system prompts are shared on top.
    found = needs(one, anatomy=False)
    assert found.scan is not None
    assert 1.8 < found.scan.alone_seconds / found.scan.seconds < 5
    assert seconds(one, search={"blocks": {"max_extra": 10}}) < 0.5 * whole
    assert seconds(one, racing={"first": 8}) < 0.7 * whole
    assert seconds(machine_on("RTX-3090")) > 1.8 * whole
    # Layers on two cards run one after the other; two workers with a card each do not.
    assert seconds(two) == pytest.approx(whole)
    assert seconds(two, workers=2) < 0.6 * whole
    generated = [{"name": "math-guess", "items": 32, "held_out": 64}]
    assert seconds(one, probes=generated) > 2 * whole
    # From a slow disk, reading is what takes the time.
    slow = replace(one, disk_bytes_a_second=1e6)
    assert seconds(slow, streamed=True) > 10 * seconds(one, streamed=True)


def test_a_prompt_that_does_not_fit_is_told(load: Callable[..., LoadedRecipe]) -> None:
    machine = machine_on("H200")
    plan = checked_plan(load(recipe(memory_gib=0.001)))
    (warned,) = memory_warnings(plan, machine, estimate(plan, machine))
    assert "memory_gib is 0.001" in warned.fact and warned.remedy.startswith("set memory_gib to")


def test_a_streamed_base_is_never_loaded_whole(load: Callable[..., LoadedRecipe]) -> None:
    plan = checked_plan(load(recipe(streamed=True)))
    machine = machine_on("RTX-3060")
    assert memory_warnings(plan, machine, estimate(plan, machine)) == []
    text = recipe(streamed=True).replace("evaluate: null", "evaluate: {suite: quick}")
    plan = checked_plan(load(text))
    assert {w.fact.split()[0] for w in memory_warnings(plan, machine, estimate(plan, machine))} == {
        "b"
    }


def test_check_tells_it(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("recipe.yaml").write_text(recipe(), encoding="utf-8")
    assert invoke(["check", "recipe.yaml", "--on", "2xrtx-4090"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "3,241 paths (3,241 blocks) on 32 math-guess items, winners on 64 others",
        "173,960 layer passes an item (347,840 path by path)",
        "one path after the other",
        "2 x RTX-4090: 24.7 GB each",
        "predictions, not runs",
    ):
        assert words in told, words
    assert invoke(["check", "recipe.yaml", "--on", "rtx4091"]) == 2
    assert "did you mean RTX-4090?" in capsys.readouterr().err
    assert invoke(["check", "recipe.yaml", "--on", "list"]) == 0
    assert "RTX-A6000" in capsys.readouterr().out


def test_predicting_imports_nothing_heavy() -> None:
    code = (
        "import sys; from workbench.recipe.scan_cost import scan_cost;"
        "from workbench.recipe.scan_questions import questions;"
        "from workbench.scan.config import ScanConfig;"
        "questions(ScanConfig(model='m'), 150000);"
        "assert not {'torch', 'transformers', 'lm_eval', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
