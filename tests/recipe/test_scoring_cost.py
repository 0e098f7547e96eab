"""What scoring will take: counts against lm-eval's own passes, sums by hand, and what must grow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cli.app import invoke
from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.suites import CHECKOUT, load_suite
from workbench.recipe.check import checked_plan
from workbench.recipe.estimate import estimate, totals
from workbench.recipe.forward import Forward, speed_of
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.machine import Machine, machine_on
from workbench.recipe.room import memory_warnings
from workbench.recipe.scoring_cost import Scoring, ScoringCost, longest_of, scoring_cost
from workbench.recipe.scoring_questions import Asked, Questions, questions
from workbench.recipe.scoring_tasks import data_set_bytes, facts_of, known_tasks

CPU = Machine(8 << 30, 16 << 30, 2, None, 0, 0)
LARGE = 150_000


def model(**changes: Any) -> Forward:
    """Eight billion weights in 32 layers, in 16 bits."""
    made = Forward(
        layers=32,
        hidden=4096,
        intermediate=14336,
        vocabulary=128256,
        weights=218e6,
        active=218e6,
        layer=436e6,
        outside=2.1e9,
        loaded=16_000_000_000,
        stored=436e6,
        stored_once=14e9,
        kv=4096,
        itemsize=2,
        in_4bit=False,
    )
    return replace(made, **changes)


def asked(**changes: Any) -> Asked:
    made = Asked("t", "t", 100, 100, 4, 4, 500, 700, 60, 0, 0, None)
    return replace(made, **changes)


def cost(one: Asked, batch: int = 4, machine: Machine | None = None, **changes: Any) -> ScoringCost:
    """The cost of one task on an A100, or another machine."""
    suite = load_suite("quick")
    return scoring_cost(
        suite,
        EvaluateConfig(suite="quick", batch_size=batch),
        Questions((one,), ()),
        model(**changes),
        machine or machine_on("A100-80GB"),
        0,
    )


def test_a_choice_by_hand() -> None:
    found = cost(asked())
    speed = 0.4 * 312e12
    layers = 2 * 218e6 * 32 * 400 * 500 / speed + 100 * 32 * 5e-4
    head = 2 * 400 * 500 * 4096 * 128256 / speed
    encoding = 400 * (2 * 500 / 3e5 + 2e-4)
    assert found.tasks["t"] == pytest.approx(layers + head + encoding)
    assert (found.passes, found.items, found.read) == (400, 100, 200_000)
    # Four prompts of 700 tokens: logits twice, and what a layer makes, in 16 bits.
    tokens = 4 * 700
    assert found.held == math.ceil(2 * tokens * (2 * 128256 + 8 * 4096 + 3 * 14336))


def test_a_written_answer_by_hand() -> None:
    found = cost(asked(passes=1, requests=1, generated=200, most=256), batch=1)
    read = 2 * 218e6 * 32 * 100 * 500 / (0.4 * 312e12) + 100 * 32 * 5e-4
    # One at a time: 200 steps, each reading all weights and a cache of 600 tokens in the mean.
    step = 32 * (2 * 218e6 / 2.039e12 + 5e-4) + 600 * 4096 * 32 / 2.039e12
    head = 2 * 4096 * 128256 / (0.4 * 312e12)
    encoding = 100 * (2 * 500 / 3e5 + 2e-4)
    expected = read + 100 * head + encoding + 100 * 200 * (step + head)
    assert speed_of(machine_on("A100-80GB")).bandwidth == 2.039e12
    assert found.tasks["t"] == pytest.approx(expected, rel=1e-6)
    assert found.written == 20_000


@given(st.integers(2, 40), st.floats(1, 500))
@settings(max_examples=30, deadline=None)
def test_the_longest_answer_is_that_of_exponential_lengths(rows: int, mean: float) -> None:
    harmonic = sum(1 / n for n in range(1, rows + 1))
    assert longest_of(mean, rows, 1e9) == pytest.approx(mean * harmonic, rel=0.02)
    assert longest_of(mean, rows, mean) == mean


@given(
    st.floats(1, 5000),
    st.floats(1, 20),
    st.floats(10, 4000),
    st.sampled_from([0.0, 50.0, 900.0]),
    st.integers(1, 64),
    st.sampled_from([1.1, 2.0, 7.0]),
)
@settings(max_examples=80, deadline=None)
def test_more_never_takes_less(
    items: float, passes: float, prompt: float, generated: float, batch: int, more: float
) -> None:
    most = 1024 if generated else 0
    one = asked(
        items=items, passes=passes, prompt=prompt, longest=prompt, generated=generated, most=most
    )
    less = cost(one, batch)
    longer = replace(one, prompt=more * prompt, longest=more * prompt)
    for larger in (
        cost(replace(one, items=more * items), batch),
        cost(replace(one, passes=more * passes), batch),
        cost(longer, batch),
        cost(one, batch, layers=40),
        cost(one, batch, machine=machine_on("L4")),
    ):
        assert larger.seconds >= less.seconds and larger.held >= less.held
    wider = cost(one, 2 * batch)
    assert wider.held >= less.held
    # Larger batches save calls, and make short answers wait for longer ones.
    assert wider.seconds <= less.seconds * (1.5 if generated else 1)


def test_a_limit_is_shared_by_a_groups_members() -> None:
    suite = load_suite("quick")
    given_ = replace(
        suite, tasks=(suite.tasks[0].model_copy(update={"task": "leaderboard_bbh", "limit": 240}),)
    )
    found = questions(given_, EvaluateConfig(suite="x"), LARGE)
    assert len(found.asked) == 24 and sum(a.of for a in found.asked) == 5761
    assert sum(a.items for a in found.asked) == 240
    assert {a.items for a in found.asked} <= set(range(6, 12))  # 146 to 250 items each
    # A recipe's limit stands before the suite's, and every member gets an item.
    few = questions(given_, EvaluateConfig(suite="x", limit=3), LARGE)
    assert [a.items for a in few.asked] == [1] * 24
    assert few.unknown == ()
    assert questions(given_, EvaluateConfig(suite="x"), LARGE, whole=True).asked == (
        questions(
            replace(suite, tasks=(given_.tasks[0].model_copy(update={"limit": None}),)),
            EvaluateConfig(suite="x"),
            LARGE,
        ).asked
    )


def test_unknown_tasks_are_named_and_not_counted() -> None:
    suite = load_suite("quick")
    entry = suite.tasks[0].model_copy(update={"task": "no_such_task"})
    found = questions(replace(suite, tasks=(*suite.tasks, entry)), EvaluateConfig(suite="x"), 300)
    assert found.unknown == ("no_such_task",)
    assert [a.task for a in found.asked] == ["sums_generate", "sums_choice"]


def test_the_facts_are_those_of_the_leaderboard() -> None:
    counts = {
        "leaderboard_instruction_following": 541,
        "leaderboard_bbh": 5761,
        "leaderboard_math_hard": 1324,
        "leaderboard_gpqa": 198 + 546 + 448,
        "leaderboard_musr": 756,
        "leaderboard_mmlu_pro": 12032,
        "mmlu": 14042,
        "hellaswag": 10042,
    }
    for name, items in counts.items():
        assert sum(row.items for row in facts_of(name)) == items
    assert len(facts_of("leaderboard_bbh")) == 24
    for row in known_tasks():
        assert data_set_bytes(row.data) > 0, row.task
        assert (row.passes or 1) <= (row.choices or 1)
        assert (row.choices is None) == (row.generated is not None) == (row.most is not None)


def test_every_hub_task_of_a_shipped_suite_is_known() -> None:
    for file in (CHECKOUT / "evals" / "suites").glob("*.yaml"):
        suite = load_suite(file)
        assert questions(suite, EvaluateConfig(suite=file.stem), LARGE).unknown == (), file.stem


def test_bbh_and_math_are_what_lm_evals_files_show() -> None:
    """Choices and the length of examples, against lm-eval's task files themselves."""
    import importlib.util

    package = importlib.util.find_spec("lm_eval")
    assert package is not None and package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0]) / "tasks" / "leaderboard" / "bbh_mc"
    for row in facts_of("leaderboard_bbh"):
        text = (folder / f"{row.task.removeprefix('leaderboard_bbh_')}.yaml").read_text("utf-8")
        data = yaml.safe_load(text)
        assert row.choices == len(data["doc_to_choice"])
        shots = data["fewshot_config"]["samples"]
        assert row.shots == len(shots) == 3
        characters = sum(len(f"Q: {s['input']}\nA: {s['target']}\n\n") for s in shots) / 3
        assert 1.8 < characters / row.shot < 4


@pytest.mark.parametrize(("base", "suite"), [("tiny/sums", "quick"), ("tiny/planted", "hops")])
def test_passes_and_time_are_those_of_a_real_scoring(
    base: str, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lm-eval's own forward passes are counted while it scores a tiny base on this machine."""
    from workbench.bases.config import BaseConfig
    from workbench.bases.load import load_model, load_tokenizer
    from workbench.evaluate import harness
    from workbench.evaluate.scorer import Scorer
    from workbench.progress import Silent
    from workbench.recipe.forward import forward
    from workbench.recipe.machine import this_machine
    from workbench.recipe.sizes import base_size, dimensions, loaded_bytes

    ran = {"passes": 0}
    call, generate = Scorer._model_call, Scorer._model_generate

    def counted_call(self: Any, inps: Any, **how: Any) -> Any:
        ran["passes"] += len(inps)
        return call(self, inps, **how)

    def counted_generate(self: Any, context: Any, **how: Any) -> Any:
        ran["passes"] += len(context)
        return generate(self, context, **how)

    monkeypatch.setattr(Scorer, "_model_call", counted_call)
    monkeypatch.setattr(Scorer, "_model_generate", counted_generate)
    config = BaseConfig(base_model=base)
    loaded, tokenizer = load_model(config), load_tokenizer(config)
    told = loaded.config.to_dict()
    size, dims = base_size(config, told), dimensions(told)
    assert size is not None and dims is not None
    run = forward(size, config, loaded_bytes(size, config, dims), dims.layers, dims)
    settings_ = EvaluateConfig(suite=suite)
    predicted = Scoring(load_suite(suite), settings_, this_machine()).of(run, 0)
    start = time.perf_counter()
    harness.evaluate(
        loaded, tokenizer, load_suite(suite), settings_, precision={}, progress=Silent()
    )
    seconds = time.perf_counter() - start
    assert predicted.passes == pytest.approx(ran["passes"], rel=0.05)
    # The order of magnitude: other work on the machine can slow it several times.
    assert seconds / 10 < predicted.seconds < 10 * seconds


RECIPE = {
    "name": "e",
    "bases": {"big": {"base_model": "Qwen/Qwen2-72B-Instruct", "load_in_4bit": True}},
    "outputs": {"rys": {"relayer": {"model": "big", "blocks": [[45, 52]]}}},
    "evaluate": {"suite": "common", "batch_size": 2},
}


def test_more_layers_take_longer_and_totals_hold_it(load: Callable[..., LoadedRecipe]) -> None:
    machine = machine_on("2xRTX-4090")
    plan = checked_plan(load(yaml.safe_dump(RECIPE)))
    found = estimate(plan, machine)
    base, longer = found["big"].scoring, found["rys"].scoring
    assert base is not None and longer is not None
    assert longer.seconds / base.seconds == pytest.approx(87 / 80, rel=0.02)
    # One card works at a time: a second one makes room, not speed.
    one = estimate(plan, machine_on("RTX-4090"))["big"].scoring
    assert one is not None and one.seconds == base.seconds and (one.cards, base.cards) == (1, 2)
    making = totals(found, {"rys"})
    whole = totals(found, {"rys"}, {"big", "rys"})
    assert whole["seconds"] == making["seconds"] + base.seconds + longer.seconds
    assert whole["disk_bytes"] > making["disk_bytes"] + 100e6  # HellaSwag and the others
    assert whole["memory_bytes"] == longer.memory
    nothing = checked_plan(load(yaml.safe_dump({**RECIPE, "evaluate": None})))
    assert all(each.scoring is None for each in estimate(nothing, machine).values())


def test_settings_of_an_evaluation_are_heeded(load: Callable[..., LoadedRecipe]) -> None:
    machine = machine_on("2xRTX-4090")

    def scoring(name: str, *sets: str) -> ScoringCost:
        plan = checked_plan(load(yaml.safe_dump(RECIPE), *sets))
        found = estimate(plan, machine)[name].scoring
        assert found is not None
        return found

    plain = scoring("rys")
    both = scoring("rys", "evaluate.apply_chat_template=both")
    assert (plain.templates, both.templates) == (1, 2)
    # Twice, and a little more for what the template puts around each message.
    assert 2 < both.seconds / plain.seconds < 2.6 and both.passes == 2 * plain.passes
    assert both.disk == 2 * plain.disk and both.items == plain.items
    assert scoring("rys", "evaluate.apply_chat_template=true").seconds == pytest.approx(
        both.seconds - plain.seconds, abs=2
    )
    limited = scoring("rys", "evaluate.limit=50")
    assert limited.items == 200 and limited.seconds < 0.15 * plain.seconds
    # Bases on all items, what is made of them on the sample.
    sets = ("evaluate.limit=50", "evaluate.parents_whole=true")
    assert scoring("rys", *sets) == limited and scoring("big", *sets).items == 13_800
    looks = ("evaluate.limit=50", "evaluate.sequential={looks: 4}")
    assert scoring("rys", *looks) == replace(limited, at_most=True)
    assert not scoring("big", *looks).at_most


def test_a_base_without_a_template_is_scored_once(load: Callable[..., LoadedRecipe]) -> None:
    machine = machine_on("2xRTX-4090")
    bases = {
        name: {"base_model": f"meta-llama/Meta-Llama-3-70B{suffix}", "load_in_4bit": True}
        for name, suffix in (("raw", ""), ("instruct", "-Instruct"))
    }
    evaluate = {"suite": "common", "batch_size": 2, "apply_chat_template": "both"}
    text = yaml.safe_dump({"name": "e", "bases": bases, "evaluate": evaluate})
    found = estimate(checked_plan(load(text)), machine)
    raw, instruct = found["raw"].scoring, found["instruct"].scoring
    assert raw is not None and instruct is not None
    assert (raw.templates, instruct.templates) == (1, 2) and instruct.seconds > 2 * raw.seconds
    given_ = {**bases, "raw": {**bases["raw"], "chat_template": "{{ messages }}"}}
    text = yaml.safe_dump({"name": "e", "bases": given_, "evaluate": evaluate})
    raw = estimate(checked_plan(load(text)), machine)["raw"].scoring
    assert raw is not None and raw.templates == 2


def test_a_batch_that_does_not_fit_is_told(load: Callable[..., LoadedRecipe]) -> None:
    machine = machine_on("2xRTX-4090")
    plan = checked_plan(load(yaml.safe_dump(RECIPE), "evaluate.batch_size=16"))
    (warned,) = memory_warnings(plan, machine, estimate(plan, machine), (), set(plan.nodes))
    assert "16 items at a time and 50% of the weights" in warned.fact
    size = int(warned.remedy.rsplit(" ", 1)[1])
    for batch, fits in ((size, True), (size + 1, False)):
        plan = checked_plan(load(yaml.safe_dump(RECIPE), f"evaluate.batch_size={batch}"))
        told = memory_warnings(plan, machine, estimate(plan, machine), (), set(plan.nodes))
        assert (told == []) is fits


def test_check_tells_it(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("recipe.yaml").write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
    assert invoke(["check", "recipe.yaml", "--on", "2xRTX-4090"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "scored on: common (4 tasks, 2,000 of 13,800 items)" in told
    assert "a model" in told and "for 2 models" in told and "with the scoring" in told
    assert "on one card for 2 items at a time" in told
    assert "scoring not counted" not in told and "tokens an item are estimates" in told


def test_what_is_scored_already_is_not_counted(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.cli.scoring_words import to_score
    from workbench.engine.scoring import Scorer, _label
    from workbench.store.home import Home

    text = "name: e\nbases:\n  a: {base_model: base}\n  b: {base_model: tiny/sums}\n"
    Path("recipe.yaml").write_text(text, encoding="utf-8")
    from workbench.recipe.load import load_recipe

    plan = checked_plan(load_recipe(Path("recipe.yaml"), ()))
    assert to_score(plan, bench) == {"a", "b"}
    home = Home(bench)
    home.prepare()
    scorer = Scorer.of(plan, home)
    assert scorer is not None
    node = plan.nodes["b"]

    def fill(folder: Path) -> dict[str, Any]:
        (folder / "x").write_text("x", encoding="utf-8")
        return {}

    scorer.shelf.make(_label(node), scorer.key(node), fill)
    assert to_score(plan, bench) == {"a"}
    assert invoke(["check", "recipe.yaml"]) == 0
    assert "1 scored already" in " ".join(capsys.readouterr().out.split())
