"""A study block: every mistake at once, at the line where a person wrote it, told once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import Problem
from workbench.evaluate.suites import load_suite
from workbench.recipe.check import checked_plan
from workbench.recipe.load import LoadedRecipe
from workbench.recipe.study_tasks import counted
from workbench.study.hypothesis import hypotheses

Load = Callable[..., LoadedRecipe]
Faults = Callable[..., list[Problem]]

GOOD = """\
name: good
seeds: [0, 1]
bases:
  one: {base_model: tiny/sums}
  two: {base_model: tiny/sums-llama}
  three: {base_model: base}
study:
  question: Which side gains more?
  asked: Chinese
  bases:
    one: {group: Chinese, family: A}
    two: {group: others, family: B}
    three: {group: others, family: C}
  treatment:
    tuned:
      finetune:
        base_model: base
        lora_r: 8
        learning_rate: 1.0e-3
        datasets: [{path: data.jsonl, type: prompt_completion}]
    doubled:
      relayer: {model: tuned, blocks: [[3, 6]]}
  learning_rates: [1.0e-3, 1.0e-2]
  suspect: seen.jsonl
  fresh: fresh.jsonl
  tasks: [sums_generate]
  hypotheses: [depth, {name: rank, least: 0.1}]
  explore: [contamination]
evaluate: {suite: quick}
"""

ITEM = '{{"id": "{0}", "question": "1+{0}=", "answer": "{1}"}}\n'


@pytest.fixture(autouse=True)
def items(bench: Path) -> None:
    """The items that the recipe names, in its folder."""
    for name, start in (("seen.jsonl", 0), ("fresh.jsonl", 50)):
        lines = [ITEM.format(n, n + 1) for n in range(start, start + 50)]
        (bench / name).write_text("".join(lines), encoding="utf-8")


def one(problems: list[Problem], words: str) -> Problem:
    found = [p for p in problems if words in str(p)]
    assert len(found) == 1, "\n".join(map(str, problems))
    return found[0]


def line_of(problem: Problem) -> int:
    assert problem.where is not None
    return problem.where.line


def changed(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_a_good_study_loads(load: Load) -> None:
    loaded = load(GOOD)
    plan = checked_plan(loaded)
    assert loaded.faults == ()
    assert loaded.notices == ()
    assert plan.study is not None
    assert plan.study.registered == ("depth", "rank")
    assert list(plan.study.hypotheses) == ["depth", "rank", "contamination"]
    assert plan.study.hypotheses["rank"]["least"] == 0.1
    assert plan.study.tasks == ("sums_generate",)
    assert plan.study.treatments == ("tuned", "doubled")
    assert plan.study.fresh == Path("fresh.jsonl")
    assert not plan.study.planted
    # What is wrong with an output of a study is told where its treatment is written.
    assert loaded.where("outputs.two-tuned.finetune.lora_r").line == 18
    assert loaded.where(("outputs", "three-doubled-lr0.01", "relayer", "blocks")).line == 22


def test_a_study_may_be_all_that_a_recipe_has(load: Load) -> None:
    assert "outputs" not in GOOD
    assert "one-tuned" in load(GOOD).recipe.outputs


@pytest.mark.parametrize(
    ("change", "words", "line", "remedy"),
    [
        (("lora_r: 8", "lora_rr: 8"), "unknown key 'lora_rr'", 18, "lora_r"),
        (("data.jsonl", "dada.jsonl"), "dada.jsonl", 20, ""),
        (("[[3, 6]]", "[[6, 3]]"), "block [6, 3]", 22, ""),
        (("model: tuned", "model: tund"), "'tund' is neither a base nor", 22, "tuned"),
        (("model: tuned", "model: one"), "doubled is not made from base", 21, "base"),
        (("base_model: base\n", "base_model: doubled\n"), "made from one another", 22, ""),
        (("one: {group: Chinese", "one: {group: chinese"), "a group 'chinese'", 11, "Chinese"),
        (("one: {group: Chinese, ", "one: {"), "the group of base one is not known", 4, "group:"),
        (("three: {group: others, family: C}", "three: {}"), "group and the family of", 6, "base"),
        (("    two: {group", "    tow: {group"), "'tow' is no base of this recipe", 12, "two"),
        (("one: {group: Chinese", "one: {group: others"), "no base is of the group", 3, "several"),
        (("asked: Chinese", "asked: others"), "asked and others are both", 7, ""),
        (("[1.0e-3, 1.0e-2]", "[1.0e-3, 2]"), "learning_rates[1] should be at most", 23, ""),
        (("[1.0e-3, 1.0e-2]", "[1.0e-3, 0.001]"), "0.001 is listed twice", 23, "one of the two"),
        (("seen.jsonl", "sean.jsonl"), "no file 'sean.jsonl'", 24, ""),
        (("seen.jsonl", "sums_choise"), "no file 'sums_choise', nor a task", 24, "sums_choice"),
        (("fresh: fresh.jsonl", "fresh: seen.jsonl"), "are the same items", 25, ""),
        (("[sums_generate]", "[sums_genrate]"), "no task 'sums_genrate'", 26, "sums_generate"),
        (("[sums_generate]", "[sums_choice, sums_choice]"), "sums_choice is listed twice", 26, ""),
        (("[depth,", "[dephts,"), "no hypothesis 'dephts'", 27, "depth"),
        (("least: 0.1", "leest: 0.1"), "has no option 'leest'", 27, "least"),
        (("least: 0.1", "least: much"), "should be a number, not the text 'much'", 27, "0.05"),
        (("[contamination]", "[depth]"), "depth is named twice", 28, "explored"),
        (("  suspect: seen.jsonl\n", ""), "contamination needs items that", 27, "suspect:"),
        (("suite: quick", "suite: quick, sequential: {}"), "cannot score in looks", 29, "limit"),
        (("evaluate: {suite: quick}", "evaluate: null"), "a study needs scores", 29, "suite"),
        (("  question: Which side gains more?\n", ""), "study has no question", 7, "add it"),
        (("  asked:", "  margn: 0.1\n  asked:"), "unknown key 'margn'", 9, "margin"),
        (("  asked:", "  compute: 3\n  asked:"), "study.bases.NAME", 9, "compute"),
        (("family: A", "family: A, cause: contaminate"), "no probe looks", 11, "contaminated"),
        (("  bases:\n", "  spread: 0\n  bases:\n"), "spread should be more than 0", 10, ""),
    ],
    ids=lambda value: value[1].strip()[:24] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_once_at_its_line(
    faults: Faults, change: tuple[str, str], words: str, line: int, remedy: str
) -> None:
    problems = faults(changed(change))
    problem = one(problems, words)
    assert line_of(problem) == line
    assert remedy in f"{problem.cause} {problem.remedy}"
    assert len(problems) == 1, "\n".join(map(str, problems))


def test_all_mistakes_come_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    problems = faults(
        changed(
            ("one: {group: Chinese", "one: {group: Chinise"),
            ("lora_r: 8", "lora_r: eight"),
            ("data.jsonl", "dada.jsonl"),
            ("[[3, 6]]", "[[6, 3]]"),
            ("[sums_generate]", "[sums_genrate]"),
            ("[depth,", "[dephts,"),
            ("  explore: [", "  explor: ["),
        )
    )
    assert [line_of(problem) for problem in problems] == [11, 18, 20, 22, 26, 27, 28]


def test_what_differs_by_base_alone_is_told_once(faults: Faults) -> None:
    # One and two have eight layers, three has six.
    problems = faults(changed(("lora_r: 8", "train_layers: [1, 9]")))
    assert [line_of(problem) for problem in problems] == [18, 18]
    first, second = sorted(problems, key=lambda problem: "three" in problem.cause)
    assert first.fact == "layer 9 is out of range (and the same once more in the study)"
    assert (first.cause, second.cause) == ("one has 8 layers", "three has 6 layers")


def test_items_that_do_not_parse_are_told_with_their_file_and_line(
    faults: Faults, bench: Path
) -> None:
    with (bench / "fresh.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "x", "question": "1+1="}\n')
    (problem,) = faults(GOOD)
    assert str(problem.where).startswith("fresh.jsonl:51")


def test_no_treatment(faults: Faults) -> None:
    start, end = GOOD.index("    tuned:"), GOOD.index("  learning_rates")
    problem = one(faults(GOOD[:start].rstrip() + " {}\n" + GOOD[end:]), "has no treatment")
    assert line_of(problem) == 14


def test_a_sweep_needs_a_fine_tune_and_one_fixed_rate(faults: Faults) -> None:
    twice = "relayer: {model: base, blocks: [[3, 6]]}"
    start, end = GOOD.index("      finetune:"), GOOD.index("    doubled:")
    text = GOOD[:start] + f"      {twice}\n" + GOOD[end:]
    problems = faults(text)
    assert "no fine-tune" in one(problems, "learning rate could change").fact
    assert "the first treatment has none" in one(problems, "hypothesis rank needs").fact

    second = "    other:\n      finetune: {base_model: base, learning_rate: 0.5, datasets: "
    second += "[{path: data.jsonl, type: prompt_completion}]}\n"
    text = changed(("  learning_rates", f"{second}  learning_rates"))
    assert "add fixed_rate" in one(faults(text), "at which learning rate").remedy


def test_a_rate_hypothesis_needs_a_sweep(faults: Faults) -> None:
    text = changed(("  learning_rates: [1.0e-3, 1.0e-2]\n", ""), ("[depth,", "[learning_rate,"))
    problem = one(faults(text), "learning_rate needs a sweep")
    assert (line_of(problem), "add learning_rates" in problem.remedy) == (26, True)


def test_all_hypotheses_name_what_they_lack_together(faults: Faults) -> None:
    text = changed(
        ("[depth, {name: rank, least: 0.1}]", "all"),
        ("  explore: [contamination]\n", ""),
        ("  fresh: fresh.jsonl\n", ""),
    )
    problem = one(faults(text), "fresh items")
    assert "memorised_layers" in problem.fact
    assert line_of(problem) == 26


def test_a_rate_that_is_added_is_said(load: Load) -> None:
    loaded = load(changed(("  suspect", "  fixed_rate: 2.0e-3\n  suspect")))
    (notice,) = loaded.notices
    assert notice.fact == "0.002 (fixed_rate) is tried beside the learning_rates"
    assert line_of(notice) == 23


def test_names_that_would_clash(faults: Faults) -> None:
    taken = "outputs:\n  one-tuned: {relayer: {model: two, blocks: [[3, 6]]}}\n"
    problem = one(faults(GOOD + taken), "'one-tuned', a name taken by the recipe")
    assert line_of(problem) == 15
    long = "x" * 60
    text = changed(("    tuned:\n", f"    {long}:\n"), ("model: tuned", f"model: {long}"))
    # Each base would have its own; one is enough to say it.
    assert {line_of(p) for p in faults(text) if "too long for a name" in p.fact} == {15}


def test_an_arm_that_cannot_be_trained_names_its_hypothesis(faults: Faults) -> None:
    text = changed(("type: prompt_completion", "type: text"), ("[depth,", "[spurious,"))
    Path("data.jsonl").write_text('{"text": "1+1=2"}\n' * 20, encoding="utf-8")
    problems = [p for p in faults(text) if "spurious cannot train treatment tuned" in p.fact]
    assert {line_of(p) for p in problems} == {15}


def test_other_words_for_the_same_are_read(load: Load) -> None:
    loaded = load(changed(("  treatment:", "  treatments:"), ("learning_rates", "rates")))
    assert [notice.fact for notice in loaded.notices] == [
        "treatments is read as treatment",
        "rates is read as learning_rates",
    ]
    assert "one-tuned" in loaded.recipe.outputs


def test_set_reaches_into_a_study(load: Load) -> None:
    loaded = load(GOOD, "study.treatment.tuned.finetune.lora_r=4", "study.margin=0.1")
    assert loaded.recipe.study is not None
    assert loaded.recipe.study.margin == 0.1
    tuned = loaded.recipe.outputs["two-tuned"].finetune
    assert tuned is not None
    assert tuned.lora_r == 4


def test_what_is_not_registered_may_all_be_explored(load: Load) -> None:
    text = changed(("explore: [contamination]", "explore: all"))
    rows = (f'{{"prompt": "1+{n}=", "completion": "{n + 1}"}}\n' for n in range(20))
    Path("data.jsonl").write_text("".join(rows), encoding="utf-8")
    study = checked_plan(load(text)).study
    assert study is not None
    assert study.registered == ("depth", "rank")
    assert set(study.hypotheses) == set(hypotheses())
    assert study.hypotheses["rank"]["least"] == 0.1


def test_labels_that_change_nothing_name_the_hypothesis_that_wants_them(faults: Faults) -> None:
    # Every row of data.jsonl has the same answer.
    problems = faults(changed(("[depth,", "[spurious,")))
    assert {line_of(problem) for problem in problems} == {20}
    assert all("hypothesis spurious" in problem.cause for problem in problems)


def test_one_family_in_a_group_loads(load: Load) -> None:
    # Whether the design can answer is said by check, and is no mistake.
    assert checked_plan(load(GOOD)).study is not None


def test_a_group_of_the_suite_counts_by_its_members() -> None:
    suite = load_suite("leaderboard-v2")
    whole = counted(suite, None)
    assert "leaderboard_ifeval" in whole
    assert "leaderboard_musr" not in whole
    musr = [task for task in whole if task.startswith("leaderboard_musr_")]
    assert len(musr) == 3
    assert counted(suite, ["leaderboard_musr"]) == tuple(musr)
    assert counted(suite, [musr[1], "leaderboard_ifeval"]) == (musr[1], "leaderboard_ifeval")
