"""Every mistake at once, each with its line, its column and the likely word."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import Problem, UserError
from workbench.recipe.check import checked_plan
from workbench.recipe.load import LoadedRecipe, load_recipe

Load = Callable[..., LoadedRecipe]
Faults = Callable[..., list[Problem]]

GOOD = """\
name: good
seeds: [0]
bases:
  tiny: {base_model: base}
outputs:
  tuned:
    finetune: &lora
      base_model: tiny
      lora_r: 8
      datasets: [{path: data.jsonl, type: prompt_completion}]
      learning_rate: 2.0e-4
  doubled:
    relayer: {model: tuned, blocks: [[3, 6]]}
  healed:
    finetune: {<<: *lora, base_model: doubled, train_layers: seam}
"""


def one(problems: list[Problem], words: str) -> Problem:
    found = [p for p in problems if words in str(p)]
    assert len(found) == 1, "\n".join(map(str, problems))
    return found[0]


def test_a_good_recipe_loads(load: Load) -> None:
    loaded = load(GOOD)
    assert loaded.recipe.outputs["healed"].finetune is not None
    assert loaded.recipe.outputs["healed"].finetune.lora_r == 8
    assert loaded.notices == ()
    assert str(loaded.where("outputs.tuned.finetune.lora_r")) == "recipe.yaml:9:15"
    assert loaded.where("outputs.tuned.finetune.lora_alpha").line == 7  # not given: its block


def test_all_mistakes_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    text = GOOD.replace("seeds: [0]", "seeds: [0, true, 1.5, x, -1]")
    text = text.replace("lora_r: 8", "lora_rr: 8")
    text = text.replace("data.jsonl", "dada.jsonl")
    text = text.replace("[[3, 6]]", "[[3, 9]]")
    text += "  lost:\n    relayer: {model: tunned, blocks: [[0, 1]]}\nevaluat: {suite: quick}\n"
    problems = faults(text)
    assert [p.where.line for p in problems if p.where] == sorted(
        p.where.line for p in problems if p.where
    )
    for column, shown in ((12, "true"), (18, "1.5"), (23, "'x'"), (26, "-1")):
        assert str(one(problems, f"not {'the text ' if 'x' in shown else ''}{shown}").where) == (
            f"recipe.yaml:2:{column}"
        )
    typo = one(problems, "'lora_rr'")
    assert (str(typo.where), typo.remedy) == ("recipe.yaml:9:7", "did you mean lora_r?")
    data = one(problems, "dada.jsonl")
    assert data.where and data.where.line == 10 and "data.jsonl" in data.remedy
    layer = one(problems, "[3, 9]")
    assert str(layer.where) == "recipe.yaml:13:38" and "6 layers" in layer.cause
    parent = one(problems, "'tunned'")
    assert str(parent.where) == "recipe.yaml:17:22" and parent.remedy == "did you mean tuned?"
    assert one(problems, "'evaluat'").remedy == "did you mean evaluate?"


@pytest.mark.parametrize(
    ("line", "where", "fact", "more"),
    [
        ("load_in_4bit: true", "9:7", "load_in_4bit", "belongs to the base"),
        ("blocks: [[1, 2]]", "9:7", "blocks", "belongs to relayer"),
        ("lora_r: '8'", "9:15", "lora_r should be a whole number, not the text '8'", ""),
        ("lora_r: 8.0", "9:15", "whole number, not 8.0", ""),
        ("lora_r: 0", "9:15", "at least 1, not 0", ""),
        ("lora_r: true", "9:15", "whole number, not true", ""),
        ("lora_r: [8]", "9:15", "whole number, not [8]", ""),
        ("lora_r:", "9:14", "not nothing", ""),
        ("learning_rat: 1", "9:7", "learning_rat", "did you mean learning_rate?"),
        ("sample_packing: yes", "9:23", "true or false, not the text 'yes'", "without quotes"),
        ("optimizer: adamw", "9:18", "one of adamw_torch", "did you mean adamw"),
        ("lora_target_modules: all_linear", "9:28", "a list or all-linear", "all-linear?"),
        ("lora_target_modules: [q_proj, 3]", "9:37", "[1] should be a text, not 3", ""),
        ("train_layers: [0, 6]", "9:25", "layer 6 is out of range", "6 layers"),
        ("lora_alpha: .inf", "9:19", "not a finite number", ""),
        ("lora_rank: 8\n      lora_r: 4", "9:7", "lora_rank and lora_r are the same", "keep"),
        ("lora_r: 8\n      lora_r: 9", "10:7", "'lora_r' is given twice", "line 9"),
    ],
)
def test_one_mistake(faults: Faults, line: str, where: str, fact: str, more: str) -> None:
    problems = faults(GOOD.split("  doubled:")[0].replace("lora_r: 8", line))
    assert len(problems) == 1, problems
    assert str(problems[0].where) == f"recipe.yaml:{where}"
    assert fact in problems[0].fact
    assert more in str(problems[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nbases: {b: base}", "write {base_model: base}"),
        ("name: x\nseeds: 3\nbases: {b: {base_model: base}}", "write [3]"),
        ("name: x\nseeds: []\nbases: {b: {base_model: base}}", "at least 1 items"),
        ("name: x\nseeds: [1, 1]\nbases: {b: {base_model: base}}", "listed twice"),
        ("name: x\nseeds: [4294967296]\nbases: {b: {base_model: base}}", "less than 4294967296"),
        ("name: x", "nothing would be made"),
        ("bases: {b: {base_model: base}}", "has no name"),
        ("- a", "a recipe is a mapping"),
        ("just words", "a recipe is a mapping"),
        ("name: x\noutputs: {a: {}}", "exactly one of finetune, relayer, merge and scan"),
        ("name: x\nbases: {b: {base_model: nosuch}}", "unknown"),
        ("name: x\nbases: {b: {base_model: tiny/sumz}}", "tiny/sums"),
        ("name: x\nbases: {b: {base_model: base}}\nevaluate: {suite: quikc}", "quick"),
        ("name: x\nbases: {b: {base_model: base}}\nevaluate: {suit: quick}", "mean suite?"),
    ],
)
def test_the_top_of_a_recipe(faults: Faults, text: str, words: str) -> None:
    problems = faults(text)
    assert len(problems) == 1, problems
    assert words in str(problems[0])
    assert problems[0].where is not None


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "a/b",
        ".hidden",
        "<b>bold</b>",
        "{{ 7*7 }}",
        "a b",
        "x" * 65,
        "é",
        "a\\b",
        "tuned\n",
        "con",
        "a@1",
    ],
)
def test_names_that_no_folder_or_page_should_have(faults: Faults, name: str) -> None:
    quoted = '"' + name.replace("\\", "\\\\").replace("\n", "\\n") + '"'
    start = GOOD.split("  doubled:")[0]
    for text in (
        start.replace("tuned:", f"{quoted}:"),
        start.replace("name: good", f"name: {quoted}"),
        start.replace("tiny: {", f"{quoted}: {{").replace("_model: tiny", f"_model: {quoted}"),
    ):
        problems = faults(text)
        assert any("name" in p.fact and p.where and p.where.line for p in problems)


def test_a_base_and_an_output_cannot_share_a_name(faults: Faults) -> None:
    problems = faults(GOOD.replace("tiny: {", "Tuned: {").replace("model: tiny", "model: Tuned"))
    assert "taken by a base in line 4" in one(problems, "'tuned'").fact


def test_cycles_are_told_once_each(faults: Faults) -> None:
    text = GOOD.replace("base_model: tiny", "base_model: healed", 1)
    text += "  own:\n    relayer: {model: own, blocks: [[0, 1]]}\n"
    problems = faults(text)
    ring = one(problems, "tuned ← healed")
    for name in ("tuned", "doubled", "healed"):
        assert name in ring.fact
    assert str(one(problems, "own ← own").where) == "recipe.yaml:17:22"
    assert len(problems) == 2


def test_merging_two_architectures_is_refused_at_the_second(
    faults: Faults, tiny_folder: Callable[..., Path]
) -> None:
    text = (
        "name: m\n"
        f"bases: {{a: {{base_model: base}}, b: {{base_model: '{tiny_folder('llama')}'}}}}\n"
        "outputs:\n"
        "  mixed:\n"
        "    merge:\n"
        "      merge_method: linear\n"
        "      models:\n"
        "        - {model: a, parameters: {weight: 0.5}}\n"
        "        - {model: b, parameters: {weight: 0.5}}\n"
    )
    problem = one(faults(text), "Qwen2ForCausalLM")
    assert problem.where is not None and problem.where.line == 9


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("lora_r: 8", "train_layers: seam", "9:21", "tiny has no seam"),
        ("[[3, 6]]", "[[0, 0]]", "15:62", "doubled has no seam"),
        ("seam}", "seam, peft_use_dora: true}", "15:83", "carries the adapter tuned"),
        ("lora_r: 8", 'chat_template: "{% if %}"', "9:22", "does not compile"),
        ("lora_r: 8", "chat_template: none.jinja", "9:22", "no chat template file"),
        ("type: prompt_completion", "type: preference", "7:5", "add rl: dpo or rl: orpo"),
    ],
)
def test_a_fine_tune_that_does_not_fit(
    faults: Faults, old: str, new: str, where: str, words: str
) -> None:
    problem = next(p for p in faults(GOOD.replace(old, new)) if words in str(p))
    assert str(problem.where) == f"recipe.yaml:{where}"


def test_dora_on_eight_bits_and_conversations_without_a_template(
    faults: Faults, bench: Path, qwen: Path
) -> None:
    eight = GOOD.replace("base}", "base, load_in_8bit: true}")
    found = faults(eight.replace("lora_r: 8", "peft_use_dora: true").split("  doubled:")[0])
    one(found, "on a base loaded in 8 bit")
    shutil.copytree(qwen, "plain")
    for file in Path("plain").glob("chat_template*"):
        file.unlink()
    settings = json.loads(Path("plain/tokenizer_config.json").read_text(encoding="utf-8"))
    settings.pop("chat_template", None)
    Path("plain/tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    Path("data.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    text = GOOD.split("  doubled:")[0].replace("prompt_completion", "chat")
    problem = one(faults(text.replace("{base_model: base}", "{base_model: plain}")), "template")
    assert problem.where is not None and problem.where.line == 8


def test_aliases_of_other_tools_work_with_a_notice(load: Load) -> None:
    text = GOOD.replace("lora_r: 8", "lora_rank: 8").replace("learning_rate", "lr")
    loaded = load(text.replace("{base_model: base}", "{model_name_or_path: base}"))
    assert loaded.recipe.outputs["healed"].finetune is not None
    assert loaded.recipe.outputs["healed"].finetune.lora_r == 8
    assert loaded.recipe.bases["tiny"].base_model == "base"
    told = {str(n) for n in loaded.notices}
    assert "recipe.yaml:9:7: lora_rank is read as lora_r" in told
    assert str(loaded.where("outputs.tuned.finetune.lora_r")) == "recipe.yaml:9:18"


def test_undeclared_parents(load: Load, faults: Faults) -> None:
    text = GOOD.replace("  tiny: {base_model: base}", "  other: {base_model: base}")
    loaded = load(text.replace("base_model: tiny", "base_model: base", 1))
    assert loaded.recipe.bases["base"].base_model == "base"
    loaded = load(text.replace("base_model: tiny", "base_model: Qwen/Qwen2.5-0.5B", 1))
    assert loaded.recipe.bases["Qwen/Qwen2.5-0.5B"].base_model == "Qwen/Qwen2.5-0.5B"


def test_a_place_for_anchors_that_is_no_part_of_the_recipe(load: Load) -> None:
    text = GOOD.replace("finetune: &lora\n", "finetune:\n      <<: *shared\n").replace(
        "      lora_r: 8\n", ""
    )
    text = text.split("  healed:")[0].replace("seeds: [0]", "x-shared: &shared {lora_r: 32}")
    assert load(text).recipe.outputs["tuned"].finetune.lora_r == 32  # type: ignore[union-attr]


def test_paths_are_found_beside_the_recipe_too(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("data.jsonl", "recipes/data/own.jsonl")
    (bench / "recipes" / "data").mkdir(parents=True)
    (bench / "recipes" / "data" / "own.jsonl").write_text(
        '{"prompt": "a", "completion": "b"}\n', encoding="utf-8"
    )
    recipe = bench / "recipes" / "own.yaml"
    recipe.write_text(text, encoding="utf-8")
    here = load_recipe(recipe).recipe.outputs["tuned"].finetune
    assert here is not None and here.datasets[0].path == "recipes/data/own.jsonl"
    (bench / "far").mkdir()
    monkeypatch.chdir(bench / "far")
    there = load_recipe(recipe).recipe
    tuned = there.outputs["tuned"].finetune
    assert tuned is not None and Path(tuned.datasets[0].path).is_file()
    assert Path(there.bases["tiny"].base_model).is_dir()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (bytes(range(256)) * 20, "UTF-8"),
        ("name: é\n".encode("latin-1"), "UTF-8"),
        (b"name: x\n" * 400_000, "larger than"),
        (b"\xff\xfen\x00a\x00", "UTF-8"),
    ],
)
def test_files_that_are_no_recipe(bench: Path, raw: bytes, words: str) -> None:
    Path("noise.yaml").write_bytes(raw)
    with pytest.raises(UserError, match=words):
        load_recipe(Path("noise.yaml"))


def test_missing_and_unreadable_files(bench: Path) -> None:
    Path("quickstart.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(UserError, match=r"did you mean quickstart\.yaml"):
        load_recipe(Path("quickstrat.yaml"))
    with pytest.raises(UserError, match="cannot read"):
        load_recipe(bench)
    with pytest.raises(UserError):
        load_recipe(Path("a\0b"))


def test_thousands_of_mistakes_do_not_take_minutes(bench: Path) -> None:
    keys = "".join(f"      lora_{i}x: {i}\n" for i in range(4000))
    lost = "".join(f"  o{i}:\n    relayer: {{model: p{i}, drop: [[0, 1]]}}\n" for i in range(1500))
    Path("bad.yaml").write_text(GOOD.replace("      lora_r: 8\n", keys) + lost, encoding="utf-8")
    start = time.perf_counter()
    with pytest.raises(UserError) as caught:
        checked_plan(load_recipe(Path("bad.yaml")))
    assert time.perf_counter() - start < 10
    assert "not listed" in str(caught.value)
